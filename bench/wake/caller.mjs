// The caller, CUCM's side of the trunk: SIPp.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSeconds } from '../harness/machine.mjs';

let runs = 0;

/**
 * Calls phones 1 to `calls`, `rate` a second. `onStart` gets SIPp's process id. Gives what SIPp counted, the processor seconds that it
 * took, and the datagrams that were dropped at its socket.
 */
export async function callAll({ scenario, proxy, host, port, calls, rate, seconds, folder, onStart = () => {} }) {
  const users = join(folder, 'users.csv');
  writeFileSync(users, `SEQUENTIAL\n${Array.from({ length: calls }, (_, i) => `d${i + 1};\n`).join('')}`);
  const id = ++runs;
  const statistics = join(folder, `sipp-${id}.csv`);
  const errors = join(folder, `sipp-${id}.log`);
  const args = [`${proxy.host}:${proxy.port}`, '-sf', scenario, '-inf', users, '-i', host, '-p', String(port)];
  args.push(
    '-r',
    String(rate),
    '-rp',
    '1000',
    '-m',
    String(calls),
    '-l',
    String(Math.min(19_000, Math.max(1000, calls))),
  );
  args.push('-nostdin', '-trace_stat', '-stf', statistics, '-fd', '1', '-trace_err', '-error_file', errors);
  args.push('-buff_size', String(4 << 20), '-timeout', `${seconds}s`, '-max_retrans', '6');
  const begun = performance.now();
  const child = spawn('sipp', args, { stdio: 'ignore', cwd: folder });
  onStart(child.pid);
  let cpu = 0;
  let dropped = 0;
  const watch = setInterval(() => {
    cpu = Math.max(cpu, cpuSeconds([child.pid]));
    dropped = Math.max(dropped, drops([port])[port]);
  }, 100);
  const guard = setTimeout(() => child.kill('SIGKILL'), (seconds + 15) * 1000);
  await new Promise((resolve, reject) => {
    child.on('exit', resolve);
    child.on('error', reject);
  });
  clearInterval(watch);
  clearTimeout(guard);
  const counted = existsSync(statistics) ? lastLine(readFileSync(statistics, 'latin1')) : {};
  return {
    ok: Number(counted['SuccessfulCall(C)']),
    failed: Number(counted['FailedCall(C)']),
    repeats: Number(counted['Retransmissions(C)']),
    seconds: (performance.now() - begun) / 1000,
    cpu,
    dropped,
    errors: existsSync(errors) ? readFileSync(errors, 'latin1').slice(0, 800) : '',
  };
}

function lastLine(csv) {
  const lines = csv.trim().split('\n');
  const values = lines.at(-1).split(';');
  return Object.fromEntries(lines[0].split(';').map((name, index) => [name, values[index]]));
}

/** Datagrams that the kernel dropped at a full socket, by port. */
export function drops(ports) {
  const found = Object.fromEntries(ports.map((port) => [port, 0]));
  for (const line of readFileSync('/proc/net/udp', 'latin1').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    if (port in found) found[port] += Number(fields[12]);
  }
  return found;
}
