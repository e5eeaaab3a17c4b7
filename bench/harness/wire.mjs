// Answer times as they are on the wire: from the kernel's time of the datagram with the request to that of the one with the final response, so that
// the sender's own waiting for a processor doesn't count. Needs dumpcap (Debian: wireshark-common) and the right to capture on the loopback.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { sleep } from './machine.mjs';

/**
 * Starts to capture what goes to and from that UDP port; `stop` gives {at, ms} of each answered request, `at` from the first one.
 * `callId` finds in a message's text what is the same in request and response.
 */
export async function capture(port, file, callId) {
  const filter = `udp port ${port}`;
  const args = ['-i', 'lo', '-f', filter, '-s', '500', '-B', '16', '-q', '-P', '-w', file];
  const child = spawn('dumpcap', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => reject(new Error('dumpcap ended: may this user capture on the loopback?')));
    child.stderr.on('data', (text) => text.includes('File:') && resolve());
  });
  return {
    pid: child.pid,
    async stop() {
      await sleep(1_000);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      await ended;
      return answerTimes(readFileSync(file), callId);
    },
  };
}

function answerTimes(pcap, callId) {
  const asked = new Map();
  const answered = [];
  let start;
  for (const { at, text } of packets(pcap)) {
    const id = callId.exec(text)?.[0];
    if (id === undefined) continue;
    const status = text.startsWith('SIP/2.0 ') ? Number(text.slice(8, 11)) : undefined;
    start ??= at;
    if (status === undefined) {
      if (!asked.has(id)) asked.set(id, at);
    } else if (status >= 200 && asked.get(id) !== undefined) {
      answered.push({ at: asked.get(id) - start, ms: at - asked.get(id) });
      asked.set(id, undefined);
    }
  }
  return answered;
}

/** UDP payloads of a pcap file of Ethernet frames with IPv4 in them, and their times in milliseconds. */
function* packets(pcap) {
  const nanoseconds = pcap.readUInt32LE(0) === 0xa1b23c4d;
  for (let at = 24; at + 16 <= pcap.length; ) {
    const time = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / (nanoseconds ? 1e6 : 1e3);
    const length = pcap.readUInt32LE(at + 8);
    const ip = at + 16 + 14;
    const udp = ip + (pcap[ip] & 15) * 4;
    yield { at: time, text: pcap.latin1Slice(udp + 8, at + 16 + length) };
    at += 16 + length;
  }
}
