// What a wake measurement is made of: the push endpoint, the phones, the caller, around one server at a time.
import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../../dist/sim/tls/certificate.js';
import { cores, cpuSeconds, load, sleep } from '../harness/machine.mjs';
import { DOMAIN, freePort } from '../harness/servers.mjs';
import { callAll, drops } from './caller.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const CALLER = '127.0.0.3';
const EDGE = '127.0.0.4';
const ENDPOINT = '127.0.0.5';

/** The measuring side. One for all servers. */
export class Bench {
  #folder;
  #endpoint = child('endpoint.mjs');
  #phones;
  #ports;

  constructor(folder) {
    this.#folder = folder;
  }

  async open({ pushDelay = 0 } = {}) {
    const [push, edge, hook, caller] = [await freePort(), await freePort(), await freePort(), await freePort()];
    this.#ports = { push, edge, hook, caller };
    this.certificate = makeCertificate({ altNames: [ENDPOINT] });
    const { cert, key } = this.certificate;
    const at = { host: ENDPOINT, port: push, hook: { host: EDGE, port: hook } };
    await this.#endpoint.ask('start', { ...at, cert, key, delay: pushDelay });
    return this;
  }

  /** What a server is to be told of the measuring side. */
  get surroundings() {
    const { push } = this.#ports;
    return { caller: CALLER, edge: EDGE, push: { host: ENDPOINT, port: push }, cert: this.certificate.cert };
  }

  /** Phones for other servers, at which they register in turn. */
  async face(...servers) {
    this.#phones?.process.kill();
    this.#phones = child('phones.mjs');
    const { edge, hook } = this.#ports;
    await this.#phones.ask('start', {
      proxies: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
      edge: `${EDGE}:${edge}`,
      hook: { host: EDGE, port: hook },
      domain: DOMAIN,
    });
  }

  close() {
    this.#phones?.process.kill();
    this.#endpoint.process.kill();
  }

  get phones() {
    return this.#phones;
  }

  get endpoint() {
    return this.#endpoint;
  }

  /** SIPp against a server. */
  call(server, { scenario, calls, rate, seconds, onStart }) {
    return callAll({
      scenario,
      proxy: { host: '127.0.0.1', port: server.port },
      host: CALLER,
      port: this.#ports.caller,
      calls,
      rate,
      seconds,
      folder: this.#folder,
      onStart,
    });
  }

  /** Wake calls at one rate to phones that sleep: INVITE, push, REGISTER, INVITE forwarded, 180, 200, ACK, BYE, 200. */
  async wake(server, rate, calls) {
    const phones = this.#phones;
    const { last } = await phones.ask('sleep', { count: calls });
    await sleep(1000);
    await phones.ask('reset');
    await this.#endpoint.ask('reset');
    const { push: _, caller: __, ...watched } = this.#ports;
    const ports = [server.port, ...Object.values(watched)];
    const before = { ...this.#sample(server), drops: drops(ports) };
    const sipp = await this.call(server, {
      scenario: join(HERE, 'call.xml'),
      calls,
      rate,
      seconds: Math.ceil(calls / rate) + 20,
    });
    const after = { ...this.#sample(server), drops: drops(ports) };
    await sleep(500);
    const seen = await phones.ask('stats');
    const pushed = await this.#endpoint.ask('stats');
    const use = (name) => round((after[name] - before[name]) / sipp.seconds, 2);
    const { repeats } = seen;
    const clean =
      sipp.ok === calls &&
      sipp.failed + sipp.repeats + repeats.invite + repeats.register + repeats.answer + seen.noRoute === 0;
    return {
      rate,
      calls,
      // SIPp's time includes its start and the end of the last call.
      pass: clean && pushed.pushes === calls && calls / rate / (sipp.seconds - 0.3) >= 0.97,
      ok: sipp.ok,
      failed: sipp.failed,
      repeats: { byCaller: sipp.repeats, ...repeats },
      push: seen.push,
      resume: seen.resume,
      setup: seen.setup,
      cpuMs: round(((after.server - before.server) * 1000) / Math.max(1, sipp.ok)),
      cpuMsByProcess: after.processes.map((seconds, i) => round(((seconds - before.processes[i]) * 1000) / calls)),
      cores: {
        server: use('server'),
        phones: use('phones'),
        endpoint: use('endpoint'),
        sipp: round(sipp.cpu / sipp.seconds, 2),
      },
      foreign: Math.max(0, round(cores(before.load, after.load).others - sipp.cpu / sipp.seconds, 2)),
      pushes: pushed.pushes,
      connections: pushed.connections,
      mostConnections: pushed.mostOpen,
      mostStreams: pushed.mostStreams,
      bad: pushed.bad,
      refused: seen.refused,
      asleep: last,
      dropped: {
        server: after.drops[server.port] - before.drops[server.port],
        edge: after.drops[this.#ports.edge] - before.drops[this.#ports.edge],
        hook: after.drops[this.#ports.hook] - before.drops[this.#ports.hook],
        caller: sipp.dropped,
      },
      errors: sipp.errors,
    };
  }

  #sample(server) {
    const own = [process.pid, this.#endpoint.process.pid, this.#phones.process.pid];
    return {
      server: cpuSeconds(server.pids()),
      processes: server.pids().map((pid) => cpuSeconds([pid])),
      phones: cpuSeconds([this.#phones.process.pid]),
      endpoint: cpuSeconds([this.#endpoint.process.pid]),
      load: load([...server.pids(), ...own]),
    };
  }
}

const round = (value, digits = 3) => Math.round(value * 10 ** digits) / 10 ** digits;

/** A process of the measuring side that is asked things. */
function child(file) {
  const process = fork(join(HERE, file), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map();
  let asked = 0;
  process.on('message', ({ id, ...answer }) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  return {
    process,
    ask(ask, given = {}) {
      const id = ask === 'start' && file === 'endpoint.mjs' ? 0 : ++asked;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        process.send({ ...given, id, ask });
      });
    },
  };
}
