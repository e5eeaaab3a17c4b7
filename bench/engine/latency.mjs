// Calls through an engine at a low rate, and how long it takes each INVITE from the caller's socket to the callee's.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const SDP = (call) =>
  [
    'v=0',
    `o=bench ${call} 1 IN IP4 127.0.0.20`,
    's=bench',
    'c=IN IP4 127.0.0.20',
    't=0 0',
    'm=audio 20000 RTP/AVP 0 8 101',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=sendrecv',
    '',
  ].join('\r\n');

const lines = (text, name) =>
  [...text.matchAll(new RegExp(`^(?:${name}):[ \\t]*(.*)$`, 'gim'))].map(([, value]) => value.trim());
const uriOf = (value) => /<([^>]*)>/.exec(value)?.[1] ?? value.split(';')[0];

function message(start, headers, body = '') {
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${start}\r\n${head.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

async function bound({ host, port }) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(port, host);
  await once(socket, 'listening');
  return socket;
}

/**
 * Full calls (INVITE 180 200 ACK BYE 200), one every 1/`rate` seconds. `caller`, `callee` and `sip` are `{ host, port }`. Gives the
 * milliseconds that each INVITE took to come to the callee, sorted, and how many calls were completed.
 */
export async function measureLatency({ caller, callee, sip, rate, calls }) {
  const [from, to] = [await bound(caller), await bound(callee)];
  const sentAt = new Map();
  const took = [];
  let completed = 0;
  const run = Math.random().toString(36).slice(2, 10);

  to.on('message', (data, peer) => {
    const now = performance.now();
    const text = data.toString('latin1');
    const call = Number(/^o=bench (\d+) /m.exec(text)?.[1]);
    if (text.startsWith('INVITE ') && sentAt.has(call)) {
      took.push(now - sentAt.get(call));
      sentAt.delete(call);
    }
    if (!text.startsWith('INVITE ') && !text.startsWith('BYE ')) return;
    const copied = ['Via', 'Record-Route', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) =>
      lines(text, name).map((value) => [name, name === 'To' && !value.includes('tag=') ? `${value};tag=b` : value]),
    );
    const contact = [['Contact', `<sip:bob@${callee.host}:${callee.port}>`]];
    const answer = (status, body) =>
      to.send(message(`SIP/2.0 ${status}`, [...copied, ...contact], body), peer.port, peer.address);
    if (text.startsWith('INVITE ')) answer('180 Ringing');
    answer('200 OK', '');
  });

  const common = (call, method, number) => [
    ['Via', `SIP/2.0/UDP ${caller.host}:${caller.port};branch=z9hG4bK${run}${call}${method}`],
    ['From', `"Bench Caller" <sip:alice@${caller.host}:${caller.port}>;tag=${run}-a${call}`],
    ['Call-ID', `${run}-${call}@${caller.host}`],
    ['CSeq', `${number} ${method}`],
    ['Max-Forwards', '70'],
  ];
  const send = (data) => from.send(data, sip.port, sip.host);
  from.on('message', (data) => {
    const text = data.toString('latin1');
    if (!text.startsWith('SIP/2.0 200')) return;
    const call = Number(/-(\d+)@/.exec(lines(text, 'Call-ID|i')[0])?.[1]);
    if (/^CSeq:.*BYE/im.test(text)) {
      completed++;
      return;
    }
    const routes = lines(text, 'Record-Route').reverse();
    const rest = [['To', lines(text, 'To|t')[0]], ...routes.map((route) => ['Route', route])];
    const target = uriOf(lines(text, 'Contact|m')[0]);
    send(message(`ACK ${target} SIP/2.0`, [...common(call, 'ACK', 1), ...rest]));
    send(message(`BYE ${target} SIP/2.0`, [...common(call, 'BYE', 2), ...rest]));
  });

  const invite = (call) =>
    message(
      `INVITE sip:bob@${sip.host}:${sip.port} SIP/2.0`,
      [
        ...common(call, 'INVITE', 1),
        ['To', `<sip:bob@${sip.host}:${sip.port}>`],
        ['Contact', `<sip:alice@${caller.host}:${caller.port}>`],
        ['User-Agent', 'bench'],
        ['Supported', 'timer,resource-priority,replaces'],
        ['Allow', 'INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY'],
        ['P-Asserted-Identity', `"Bench Caller" <sip:alice@${caller.host}>`],
        ['Session-ID', `${'0'.repeat(32)};remote=${'0'.repeat(32)}`],
        ['Content-Type', 'application/sdp'],
      ],
      SDP(call),
    );
  const began = performance.now();
  for (let call = 0; call < calls; ) {
    const due = Math.min(calls, Math.floor(((performance.now() - began) * rate) / 1000) + 1);
    for (; call < due; call++) {
      const data = invite(call);
      sentAt.set(call, performance.now());
      send(data);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  from.close();
  to.close();
  return { took: took.sort((a, b) => a - b), completed };
}
