import { z } from 'zod';
import { DEFAULT_SETTINGS, OWN_MACHINE } from '../devices/settings.js';
import { alarms } from './alarms.js';
import { api, isLoopback } from './api.js';
import { asksForCertificate, certificate } from './certificate.js';
import { cluster } from './cluster.js';
import { formatDuration } from './duration.js';
import {
  addressAndPort,
  addressRange,
  duration,
  flag,
  fraction,
  host,
  listOf,
  oneOf,
  pattern,
  text,
  whole,
} from './fields.js';
import { limits } from './limits.js';
import { messages } from './messages.js';
import { push } from './push.js';
import { store } from './store.js';
import { timeline } from './timeline.js';
import { tracing } from './tracing.js';
import { alerts, peer, trunk, users } from './trunk.js';
import { xmpp } from './xmpp.js';

const SIP_URI = /^sips?:[^\s<>"]+$/;
const TOKEN = /^[\w.!%*+`'~-]+$/;
const LISTEN_URI = /^sips?:(\[[0-9a-f:.]+\]|[0-9.]+)(:\d{1,5})?(;[^\s<>"]+)?$/i;

const control = z.strictObject({
  /** Where the engine's control port is (drachtio's protocol). */
  host: host().prefault('127.0.0.1'),
  /** 0: any free port; only with the embedded engine. */
  port: whole(0, 65535).default(9022),
  /** Required with `mode: external`. Without one the embedded engine gets a random one at each start. */
  secret: text('the secret that the engine was given').exactOptional(),
  /** Of an external engine: its control port speaks TLS. */
  tls: flag().default(false),
  /** Authorities to trust there instead of the system's, PEM. */
  caFile: text('the path of a file with certificates, PEM').exactOptional(),
});

const PEM_PATH = /^[^,]+$/;

const serverName = z.strictObject({
  name: pattern(/^(\*\.)?[\w-]+(\.[\w-]+)*$/, 'a server name such as sip.corp.example or *.corp.example'),
  keyFile: pattern(PEM_PATH, 'the path of a private key, PEM, without a comma'),
  certFile: pattern(PEM_PATH, 'the path of a certificate, PEM, without a comma'),
});

const engineTls = z.strictObject({
  /** Private key and certificate for TLS, PEM. */
  keyFile: text('the path of a private key, PEM').exactOptional(),
  certFile: text('the path of a certificate, PEM').exactOptional(),
  /** Authorities to trust instead of the system's, PEM. */
  caFile: text('the path of a file with certificates, PEM').exactOptional(),
  /** Lowest version of TLS. */
  minVersion: oneOf(['1.2', '1.3']).default('1.2'),
  /** Cipher suites of TLS 1.2, as OpenSSL lists them; without it those with forward secrecy and authenticated encryption. */
  ciphers: pattern(/^[\w+:!@=-]+$/, 'a list of cipher suites as OpenSSL takes it').exactOptional(),
  /** Whoever connects over TLS must show a certificate of these authorities; `asked`: may show one. */
  clientCertificates: z.union([z.boolean(), z.literal('asked')], { error: 'true, false or asked' }).default(false),
  /** Other certificates for clients that ask for these names (SNI). */
  serverNames: z
    .array(serverName, { error: 'a list of server names, each with name, keyFile and certFile' })
    .default([]),
});

const engine = z
  .strictObject({
    mode: oneOf(['embedded', 'external']).default('embedded'),
    /** Where the embedded engine listens for SIP, as drachtio-server's `--contact`. */
    contacts: listOf(
      pattern(LISTEN_URI, 'an address to listen on, such as sip:0.0.0.0:5060;transport=udp,tcp'),
      'addresses to listen on, such as sip:0.0.0.0:5060;transport=udp,tcp',
    ).default(['sip:0.0.0.0:5060;transport=udp,tcp']),
    control: control.prefault({}),
    /** New calls get 503 with Retry-After while this machine is too busy for them. */
    shedding: flag().default(true),
    /** Whom to ask for names, in place of the machine's own resolver and hosts file. */
    nameServers: z.array(addressAndPort(), { error: 'a list of addresses of name servers' }).default([]),
    /** Of the embedded engine. */
    tls: engineTls.prefault({}),
  })
  .superRefine((value, context) => {
    const { keyFile, certFile, caFile, clientCertificates } = value.tls;
    const secure = value.contacts.some((contact) => /^sips:|transport=[\w,]*(tls|wss)/i.test(contact));
    if (value.mode === 'embedded' && secure && (keyFile === undefined || certFile === undefined)) {
      const path = ['tls', keyFile === undefined ? 'keyFile' : 'certFile'];
      context.addIssue({ code: 'custom', path, message: 'the path of a PEM file (needed to listen with TLS)' });
    }
    if (clientCertificates !== false && caFile === undefined) {
      const message = 'the path of a PEM file (needed with clientCertificates)';
      context.addIssue({ code: 'custom', path: ['tls', 'caFile'], message });
    }
    if (value.mode === 'embedded') {
      if (!isLoopback(value.control.host)) {
        const message =
          '127.0.0.1, ::1 or localhost (the embedded engine is on this machine, and its control protocol in clear)';
        context.addIssue({ code: 'custom', path: ['control', 'host'], message });
      }
      if (value.control.tls) {
        const message = 'false, unless mode is external';
        context.addIssue({ code: 'custom', path: ['control', 'tls'], message });
      }
      return;
    }
    if (value.control.secret === undefined) {
      context.addIssue({ code: 'custom', path: ['control', 'secret'], message: 'the secret of the external engine' });
    }
    if (value.control.port === 0) {
      const message = 'the port of the external engine, 1 to 65535 (0 is for the embedded engine only)';
      context.addIssue({ code: 'custom', path: ['control', 'port'], message });
    }
  });

const edge = z
  .strictObject({
    name: text('a name for the edge'),
    addresses: listOf(addressRange(), 'addresses or ranges such as 192.0.2.0/24'),
    /** `tls`: only what comes from these addresses over TLS is the edge's. */
    transport: oneOf(['any', 'tls']).default('any'),
    /** It lets phones through that it has not authenticated: each has to do so here, by digest. */
    digest: flag().default(false),
    ...certificate,
  })
  .superRefine((value, context) => {
    if (value.transport === 'tls' || !asksForCertificate(value)) return;
    context.addIssue({ code: 'custom', path: ['transport'], message: 'tls (needed with certificateNames and caFile)' });
  });

const digest = z.strictObject({
  /** As htdigest writes it: `user:realm:HA1` a line. */
  usersFile: text('the path of a users file').exactOptional(),
  /** Those that the HTTP API made count too. */
  storedUsers: flag().default(false),
  /** Default: the first of the domains. */
  realm: text('a realm').exactOptional(),
  nonceLifetime: duration('10s', '1d', '5m'),
  /** A challenge each, in this order. */
  algorithms: listOf(oneOf(['SHA-256', 'MD5']), 'SHA-256, MD5').default(['SHA-256', 'MD5']),
});

const upstream = z.strictObject({
  /** Registrars, tried in this order. */
  peers: z.array(peer, { error: 'a list of peers, each with host, port and transport' }).default([]),
  /** callwake's own Path entry, where others reach it; default: the engine's own address. */
  path: pattern(SIP_URI, 'a SIP URI such as sip:callwake.corp.example:5060;transport=tcp').exactOptional(),
});

const registrar = z
  .strictObject({
    mode: oneOf(['local', 'upstream']).default('local'),
    upstream: upstream.prefault({}),
    digest: digest.prefault({}),
    /** REGISTERs under way at once; beyond, 503 with Retry-After. */
    maxPending: whole(1, 1_000_000).default(2000),
  })
  .superRefine(({ mode, upstream: { peers } }, context) => {
    if (mode !== 'upstream' || peers.length > 0) return;
    const message = 'a list of at least one registrar (needed with mode upstream)';
    context.addIssue({ code: 'custom', path: ['upstream', 'peers'], message });
  });

/** A duration whose default is the registrar's own. */
function preset(
  name:
    | 'awakeFor'
    | 'tokenRetention'
    | 'minExpires'
    | 'maxExpires'
    | 'defaultExpires'
    | 'refreshLead'
    | 'flowTimer'
    | 'sweepInterval',
) {
  return formatDuration(DEFAULT_SETTINGS[name]);
}

/** As {@link DeviceSettings}, which says what each means. */
const devices = z
  .strictObject({
    awakeFor: duration('0s', '1d', preset('awakeFor')),
    tokenRetention: duration('1m', '365d', preset('tokenRetention')),
    minExpires: duration('1s', '1d', preset('minExpires')),
    maxExpires: duration('1s', '30d', preset('maxExpires')),
    defaultExpires: duration('1s', '30d', preset('defaultExpires')),
    expiresJitter: fraction(0, 0.5).default(DEFAULT_SETTINGS.expiresJitter),
    maxContacts: whole(1, 100).default(DEFAULT_SETTINGS.maxContacts),
    stateParameter: pattern(TOKEN, 'the name of a Contact parameter').default(DEFAULT_SETTINGS.stateParameter),
    stateHeader: pattern(TOKEN, 'the name of a header').default(DEFAULT_SETTINGS.stateHeader),
    platformParameter: pattern(TOKEN, 'the name of a Contact parameter').default(DEFAULT_SETTINGS.platformParameter),
    keyParameter: pattern(TOKEN, 'the name of a Contact parameter').default(DEFAULT_SETTINGS.keyParameter),
    keyHeader: pattern(TOKEN, 'the name of a header').default(DEFAULT_SETTINGS.keyHeader),
    pushPlatforms: z
      .array(oneOf(['iphone', 'ipad', 'other']), { error: 'a list of iphone, ipad, other' })
      .default([...DEFAULT_SETTINGS.pushPlatforms]),
    answerContacts: oneOf(['all', 'own']).default(DEFAULT_SETTINGS.answerContacts),
    legacyTeamId: pattern(/^([A-Z0-9]{10})?$/, "Apple's team id: ten capital letters and digits").default(
      DEFAULT_SETTINGS.legacyTeamId,
    ),
    refreshLead: duration('10s', '1h', preset('refreshLead')),
    refreshPushes: flag().default(DEFAULT_SETTINGS.refreshPushes),
    tokenMatchesAnyAddress: flag().default(DEFAULT_SETTINGS.tokenMatchesAnyAddress),
    flowTimer: duration('0s', '1h', preset('flowTimer')),
    ringBeforeStored: flag().default(DEFAULT_SETTINGS.ringBeforeStored),
    tokenOutlivesBinding: flag().default(DEFAULT_SETTINGS.tokenOutlivesBinding),
    unregisterEndsToken: flag().default(DEFAULT_SETTINGS.unregisterEndsToken),
    registerWithoutTokenEndsToken: flag().default(DEFAULT_SETTINGS.registerWithoutTokenEndsToken),
    allow555: flag().default(DEFAULT_SETTINGS.allow555),
    shortPushExpiry: oneOf(['refuse', 'skip', 'accept']).default(DEFAULT_SETTINGS.shortPushExpiry),
    pnsregSeconds: whole(0, 86_400)
      .refine((seconds) => seconds === 0 || seconds > 120, { error: '0 (leave it out) or more than 120' })
      .default(DEFAULT_SETTINGS.pnsregSeconds),
    /** Holds the key of PURRs, made at the first start; the same on all nodes. Without it no PURRs are given. */
    purrKeyFile: text('the path of a key file').exactOptional(),
    requireSecureTransport: flag().default(DEFAULT_SETTINGS.requireSecureTransport),
    /** Whence push parameters may come in clear all the same. */
    cleartextNetworks: z
      .array(addressRange(), { error: 'a list of addresses or ranges such as 192.0.2.0/24' })
      .default([...OWN_MACHINE]),
    maxQueuedPerAor: whole(1, 10_000).default(DEFAULT_SETTINGS.maxQueuedPerAor),
    sweepInterval: duration('1s', '1h', preset('sweepInterval')),
  })
  .superRefine(({ minExpires, maxExpires, defaultExpires }, context) => {
    if (minExpires > maxExpires) {
      const message = `a duration that is not above maxExpires (${formatDuration(maxExpires)})`;
      context.addIssue({ code: 'custom', path: ['minExpires'], message });
    } else if (defaultExpires < minExpires || defaultExpires > maxExpires) {
      const message = `a duration from minExpires (${formatDuration(minExpires)}) to maxExpires (${formatDuration(maxExpires)})`;
      context.addIssue({ code: 'custom', path: ['defaultExpires'], message });
    }
  });

const log = z.strictObject({
  level: oneOf(['debug', 'info', 'warn', 'error']).default('info'),
  format: oneOf(['json', 'pretty']).default('json'),
  /** The latest lines that are kept in memory, for the API. */
  keep: whole(0, 1_000_000).default(5000),
});

const sections = z.strictObject({
  engine: engine.prefault({}),
  domains: listOf(host(), 'domains such as corp.example'),
  trunks: listOf(trunk, 'trunks, each with name and peers'),
  users: users.default({}),
  alerts: alerts.prefault({}),
  messages: messages.prefault({}),
  alarms: alarms.prefault({}),
  limits: limits.prefault({}),
  timeline: timeline.prefault({}),
  tracing: tracing.prefault({}),
  edges: z.array(edge, { error: 'a list of edges, each with name and addresses' }).default([]),
  directPhones: z.strictObject({ allow: flag().default(false) }).prefault({}),
  registrar: registrar.prefault({}),
  devices: devices.prefault({}),
  push,
  xmpp: xmpp.prefault({}),
  store: store.prefault({}),
  cluster: cluster.prefault({}),
  api: api.prefault({}),
  log: log.prefault({}),
});

/** An external engine doesn't tell whose certificate a request came with. */
function refuseCertificate(
  entry: Parameters<typeof asksForCertificate>[0],
  path: (string | number)[],
  context: z.RefinementCtx,
): void {
  if (!asksForCertificate(entry)) return;
  const name = entry.caFile === undefined ? 'certificateNames' : 'caFile';
  context.addIssue({ code: 'custom', path: [...path, name], message: 'left out, unless engine.mode is embedded' });
}

/** The configuration file. Its output is {@link Config}; every default is here. */
export const configSchema = sections.superRefine((value, context) => {
  for (const part of ['trunks', 'edges'] as const) {
    const names = value[part].map(({ name }) => name);
    names.forEach((name, index) => {
      if (names.indexOf(name) === index) return;
      context.addIssue({ code: 'custom', path: [part, index, 'name'], message: 'a name that no other entry has' });
    });
  }
  if (value.edges.length === 0 && !value.directPhones.allow) {
    const message = 'at least one edge, or directPhones with allow: true; no phone could register otherwise';
    context.addIssue({ code: 'custom', path: ['edges'], message });
  }
  if (value.engine.mode === 'external') {
    for (const [index, entry] of value.edges.entries()) refuseCertificate(entry, ['edges', index], context);
    for (const [trunk, { peers }] of value.trunks.entries()) {
      for (const [index, entry] of peers.entries())
        refuseCertificate(entry, ['trunks', trunk, 'peers', index], context);
    }
  }
  const { mode, digest: credentials } = value.registrar;
  if (
    mode === 'local' &&
    credentials.usersFile === undefined &&
    !credentials.storedUsers &&
    value.edges.some((entry) => entry.digest)
  ) {
    const message = 'the path of a users file, or storedUsers: true (needed as an edge has digest: true)';
    context.addIssue({ code: 'custom', path: ['registrar', 'digest', 'usersFile'], message });
  }
});

/** A whole, valid configuration: durations in milliseconds, every default filled in, file paths absolute. */
export type Config = z.output<typeof configSchema>;
export type TrunkConfig = Config['trunks'][number];
export type PeerConfig = TrunkConfig['peers'][number];
export type EdgeConfig = Config['edges'][number];
export type DevicesConfig = Config['devices'];
export type PushConfig = Config['push'];
export type MessagesConfig = Config['messages'];
export type StoreConfig = Config['store'];
export type RegistrarConfig = Config['registrar'];
export type ApiConfig = Config['api'];
export type LogConfig = Config['log'];
export type EngineConfig = Config['engine'];
