import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type ServerAddress, type SipAddress, uriHost } from '../sim/address.js';
import { ApnsSimulator } from '../sim/apns/simulator.js';
import { CucmSimulator } from '../sim/cucm/index.js';
import { EdgeSimulator } from '../sim/edge/index.js';
import { PhoneSimulator, type PhoneSimulatorOptions } from '../sim/phone/index.js';
import { makeCertificate } from '../sim/tls/certificate.js';
import { CallwakeProcess } from './callwake-process.js';

/** How phones reach callwake. */
export type EdgeKind = 'path' | 'rewrite' | 'direct';

/** A trunk peer as the configuration has it. */
export interface StagePeer {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly certificateNames?: readonly string[];
  readonly priority?: number;
  readonly weight?: number;
}

export interface StageOptions {
  readonly edge: EdgeKind;
  /** Transport of trunk, edge and phones; default udp. */
  readonly transport?: SipAddress['transport'];
  /** Transport of phones without an edge, if it isn't that of the trunk. */
  readonly phonesOver?: 'ws' | 'wss';
  /** Where all but Apple listens: 127.0.0.1, or ::1. */
  readonly address?: '127.0.0.1' | '::1';
  /** Where CUCM and the phones are, if not there too: whoever else is on the machine is a stranger then. */
  readonly peersAddress?: string;
  /** Parts of the configuration to be put over the stage's own, top-level key by key. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Trunk settings over the stage's own (`hold`, `ringbackAfter`, ...). */
  readonly trunk?: Readonly<Record<string, unknown>>;
  /** Settings of the Apple account over the stage's own (`bundleIds`, ...). */
  readonly account?: Readonly<Record<string, unknown>>;
  /** The trunk's peers, given those of the stage's own two CUCM nodes; default: the first alone. The second runs only if this is given. */
  readonly peers?: (cucm: StagePeer, standby: StagePeer) => readonly StagePeer[];
  /** The engine turns new work away while the machine is too busy, as it does by default; here it doesn't unless asked. */
  readonly shedding?: boolean;
  /** Budgets against abuse as they come; without it there are none, as one simulator stands for a whole company. */
  readonly limits?: 'default';
  /** Certificates, PEM, that callwake trusts beside those of the stage's own peers. */
  readonly trusts?: readonly string[];
  /** How many apps share the engine; they need a store that they share. */
  readonly workers?: number;
  /** Added to the environment of callwake's processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** An engine that runs already, instead of the embedded one. */
  readonly engine?: { readonly host: string; readonly port: number; readonly secret: string };
}

export const DOMAIN = 'corp.example';
const TEAM = 'ABCDE12345';
const KEY_ID = 'KEYID12345';
const BUNDLE = 'com.example.phone';

/** callwake as a process of its own, and around it all that it works with, simulated, over real sockets on loopback. */
export class Stage {
  readonly #folder: string;
  readonly #phones: PhoneSimulator[] = [];

  private constructor(
    readonly options: StageOptions,
    folder: string,
    readonly apple: ApnsSimulator,
    readonly callwake: CallwakeProcess,
    readonly cucm: CucmSimulator,
    /** The second node of CUCM. */
    readonly standby: CucmSimulator | undefined,
    public edge: EdgeSimulator | undefined,
    /** Where callwake takes SIP from trunk and edge. */
    readonly sip: SipAddress,
    /** Where it takes SIP from phones without an edge. */
    readonly phones: ServerAddress,
    /** The configuration file that callwake was started with. */
    readonly configFile: string,
    /** What the simulators show and trust over TLS. */
    readonly tls: PeerTls,
  ) {
    this.#folder = folder;
  }

  /** Starts everything. Rejects, with nothing left running, if callwake doesn't become ready. */
  static async start(options: StageOptions): Promise<Stage> {
    const transport = options.transport ?? 'udp';
    const folder = mkdtempSync(join(tmpdir(), 'callwake-'));
    const apple = await new ApnsSimulator().start();
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    apple.registerKey({ teamId: TEAM, keyId: KEY_ID, publicKey: key.publicKey });
    writeFileSync(join(folder, 'AuthKey.p8'), key.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(join(folder, 'apple-ca.pem'), apple.ca);
    const tls = writeCertificates(folder, options.trusts);
    const configFile = join(folder, 'callwake.yaml');
    const { address = '127.0.0.1', peersAddress = address } = options;
    const node = () =>
      new CucmSimulator({ address: peersAddress, trunk: { host: address, port: 5060, transport }, tls }).start();
    const cucm = await node();
    const standby = options.peers === undefined ? undefined : await node();
    writeFileSync(configFile, stringify(configuration(options, apple, cucm, standby ?? cucm)));
    const workers = options.workers === undefined ? [] : ['--workers', String(options.workers)];
    const callwake = new CallwakeProcess(configFile, options.env, workers);
    try {
      const listeners = await callwake.ready();
      const listening = <T extends ServerAddress['transport']>(wanted: T) => {
        const listener = listeners.find((candidate) => candidate.transport === wanted);
        if (listener === undefined) throw new Error(`the engine does not listen on ${wanted}`);
        return { host: listener.host.replace(/^\[|\]$/g, ''), port: listener.port, transport: wanted };
      };
      const sip = listening(transport);
      const phones = listening(options.phonesOver ?? transport);
      cucm.trunk = sip;
      if (standby) standby.trunk = sip;
      const edge =
        options.edge === 'direct'
          ? undefined
          : await new EdgeSimulator({ address, mode: options.edge, core: sip, tls }).start();
      return new Stage(options, folder, apple, callwake, cucm, standby, edge, sip, phones, configFile, tls);
    } catch (error) {
      await callwake.stop();
      await cucm.close();
      await standby?.close();
      await apple.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** A phone of `2001@corp.example` (or another user), known to the Apple simulator, registered, in the foreground. */
  async phone(options: Partial<PhoneSimulatorOptions> & { readonly user?: string } = {}): Promise<PhoneSimulator> {
    const { user = '2001', ...rest } = options;
    const phone = new PhoneSimulator({
      aor: `sip:${user}@${DOMAIN}`,
      server: this.#phoneServer(),
      teamId: TEAM,
      bundleId: BUNDLE,
      address: this.cucm.local.address,
      pushes: this.apple.phoneAddress,
      tls: this.tls,
      ...rest,
    });
    this.#phones.push(phone);
    const { voipToken, alertToken } = phone.identity;
    const { secrets } = this.callwake;
    for (const token of [voipToken, alertToken]) secrets.add('push token', token ?? undefined);
    secrets.add('key of an app', rest.encryptionKey);
    secrets.add('password', rest.credentials?.password);
    if (voipToken)
      this.apple.registerToken({ token: voipToken, topics: [`${BUNDLE}.voip`], environment: 'production' });
    if (alertToken) this.apple.registerToken({ token: alertToken, topics: [BUNDLE], environment: 'production' });
    await phone.start();
    return phone;
  }

  /** Ends the edge with all its flows; after a while another listens in its place, which knows nothing of them. */
  async restartEdge(downMs: number): Promise<void> {
    const { edge } = this;
    if (edge === undefined || this.options.edge === 'direct') throw new Error('there is no edge to restart');
    const { phones, core } = edge;
    await edge.close();
    await new Promise((resolve) => setTimeout(resolve, downMs));
    const ports = { phonePort: phones.port, corePort: core.port };
    const { options, sip, tls } = this;
    const { address = '127.0.0.1' } = options;
    this.edge = await new EdgeSimulator({ address, mode: this.options.edge, core: sip, tls, ...ports }).start();
  }

  /** What the simulators found wrong in callwake's messages. Empty is right. */
  faults(): string[] {
    const all = [
      this.cucm,
      ...(this.standby ? [this.standby] : []),
      ...(this.edge ? [this.edge] : []),
      ...this.#phones,
    ];
    return all.flatMap((simulator) => simulator.faults);
  }

  /** What was written to people is nobody else's to read. */
  #addTexts(): void {
    for (const simulator of [this.cucm, ...this.#phones]) {
      for (const { message } of simulator.messages) {
        if (message.kind !== 'request' || message.method !== 'MESSAGE') continue;
        const text = message.body.toString();
        if (text.length >= SECRET_TEXT) this.callwake.secrets.add('text of a message', text);
      }
    }
  }

  /** Ends everything and removes the files; gives callwake's exit code. Rejects when callwake has written a secret into its log. */
  async close(): Promise<number> {
    for (const phone of this.#phones) await phone.close();
    await this.cucm.close();
    await this.standby?.close();
    await this.edge?.close();
    this.#addTexts();
    try {
      return await this.callwake.stop();
    } finally {
      await this.apple.close();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #phoneServer(): PhoneSimulatorOptions['server'] {
    if (this.edge === undefined) return this.phones;
    const { address, port } = this.edge.phones;
    return { host: address, port, transport: this.sip.transport };
  }
}

/** Shorter texts are words that a log may have. */
const SECRET_TEXT = 10;

const NO_LIMITS = {
  pushes: { perDevice: { count: 0 }, perCaller: { count: 0 }, perTrunk: { count: 0 } },
  heldPerAor: 0,
  outboundCalls: { count: 0 },
  registrations: { count: 0 },
};

/** Certificates of the simulators. */
interface PeerTls {
  readonly key: string;
  readonly cert: string;
  readonly ca: readonly string[];
}

/** callwake's and its peers' certificates. callwake trusts its peers' alone; phones trust their edge's too. */
function writeCertificates(folder: string, trusted: readonly string[] = []): PeerTls {
  const own = makeCertificate({ commonName: 'callwake' });
  const peers = makeCertificate({ commonName: 'peers of callwake' });
  writeFileSync(join(folder, 'sip.key'), own.key, { mode: 0o600 });
  writeFileSync(join(folder, 'sip.pem'), own.cert);
  writeFileSync(join(folder, 'peers.pem'), [peers.cert, ...trusted].join(''));
  return { ...peers, ca: [own.cert, peers.cert] };
}

function configuration(
  options: StageOptions,
  apple: ApnsSimulator,
  cucm: CucmSimulator,
  standby: CucmSimulator,
): Record<string, unknown> {
  const { production, sandbox } = apple.endpoints;
  const { engine, transport = 'udp', address = '127.0.0.1', peers = (first) => [first] } = options;
  const peer = ({ local }: CucmSimulator): StagePeer => ({ host: local.address, port: local.port, transport });
  const at = `${uriHost(address)}:0`;
  return {
    engine:
      engine === undefined
        ? {
            contacts: [
              `sip:${at};transport=udp,tcp`,
              `sips:${at};transport=tls`,
              ...(options.phonesOver === undefined ? [] : [`sip:${at};transport=${options.phonesOver}`]),
            ],
            control: { port: 0 },
            shedding: options.shedding ?? false,
            tls: { keyFile: 'sip.key', certFile: 'sip.pem', caFile: 'peers.pem', clientCertificates: true },
          }
        : { mode: 'external', control: engine },
    domains: [DOMAIN],
    trunks: [{ name: 'cucm', peers: peers(peer(cucm), peer(standby)), ...options.trunk }],
    edges: options.edge === 'direct' ? [] : [{ name: 'edge', addresses: [address] }],
    directPhones: { allow: options.edge === 'direct' },
    push: {
      provider: 'apns',
      accounts: [{ teamId: TEAM, keyId: KEY_ID, keyFile: 'AuthKey.p8', environment: 'production', ...options.account }],
      endpoints: {
        production: `https://${production.host}:${production.port}`,
        sandbox: `https://${sandbox.host}:${sandbox.port}`,
      },
      caFile: 'apple-ca.pem',
    },
    store: { kind: 'lmdb', path: 'data' },
    api: { enabled: false },
    ...(options.limits === 'default' ? {} : { limits: NO_LIMITS }),
    log: { level: 'info', format: 'json' },
    ...options.config,
  };
}
