import type { Random } from '../../src/sim/random.js';

const METHODS = 'INVITE ACK CANCEL BYE REGISTER OPTIONS MESSAGE INFO SUBSCRIBE NOTIFY UPDATE PRACK REFER PUBLISH'.split(
  ' ',
);

/** Where made messages lead, and what dialogs they may name. */
export interface Surroundings {
  /** `127.0.0.1:5060` of the engine. */
  readonly engine: string;
  /** Lines of a dialog that exists: From, To, Call-ID. */
  readonly dialogs: readonly string[];
}

/** A request that the grammar of RFC 3261 allows, more or less, with values that nobody expects. */
export function madeRequest(random: Random, around: Surroundings, transport: string): Buffer {
  const method = random.chance(0.95) ? random.pick(METHODS) : random.word(1 + random.below(40)).toUpperCase();
  const body = random.chance(0.3) ? Buffer.from(random.word(random.below(400))) : Buffer.alloc(0);
  const lines = [
    `${method} ${uri(random, around)} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${host(random)};branch=${branch(random)}${random.chance(0.7) ? ';rport' : ''}`,
    random.chance(0.3) && around.dialogs.length > 0
      ? random.pick(around.dialogs)
      : `From: ${address(random, around)};tag=${random.word(random.below(12))}\r\nTo: ${address(random, around)}${
          random.chance(0.2) ? `;tag=${random.word()}` : ''
        }\r\nCall-ID: ${random.word(4)}@${host(random)}`,
    `CSeq: ${number(random)} ${random.chance(0.97) ? method : random.pick(METHODS)}`,
    ...(random.chance(0.8) ? [`Max-Forwards: ${random.chance(0.7) ? 70 : number(random)}`] : []),
    ...extras(random, around),
    `Content-Length: ${random.chance(0.95) ? body.length : number(random)}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}

const EXTRAS: readonly ((random: Random, around: Surroundings) => string)[] = [
  (r, a) => `Contact: ${address(r, a)};expires=${number(r)};q=${r.next()}`,
  (r, a) => `Route: <${uri(r, a)};lr>, <${uri(r, a)}>`,
  (r, a) => `Record-Route: <${uri(r, a)};lr>`,
  (r) => `Expires: ${number(r)}`,
  (r) => `Require: ${r.pick(['100rel', 'timer', 'path', r.word()])}`,
  (r) => `Supported: ${r.pick(['100rel', 'timer, path', 'outbound'])}`,
  (r) => `RAck: ${number(r)} ${number(r)} INVITE`,
  (r) => `Session-Expires: ${number(r)};refresher=${r.pick(['uac', 'uas', ''])}`,
  (r) => `Event: ${r.pick(['dialog', 'presence', ''])}`,
  (r) => `Subscription-State: ${r.pick(['active;expires=1', 'terminated', r.word()])}`,
  (r, a) => `Refer-To: ${address(r, a)}`,
  (r, a) => `Path: <${uri(r, a)};lr>`,
  (r) => `Subject:${' '.repeat(r.below(50))}\r\n ${r.word(r.below(100))}`,
  (r) => `${r.word(1 + r.below(50))}: ${'v'.repeat(r.below(3000))}`,
  (r) => `Authorization: Digest username="${r.word()}", realm=${r.word()}, nonce="\\"", uri=, response=${r.word()}`,
  (r) => `Via: SIP/2.0/UDP ${host(r)}${r.chance(0.5) ? '' : `, SIP/2.0/TCP ${host(r)};branch=`}`,
];

function extras(random: Random, around: Surroundings): string[] {
  return Array.from({ length: random.below(8) }, () => random.pick(EXTRAS)(random, around));
}

function address(random: Random, around: Surroundings): string {
  const display = random.pick(['', '"A" ', 'B ', '"\\"" ', `${random.word()} `, '"é" ']);
  return `${display}<${uri(random, around)}>`;
}

function uri(random: Random, around: Surroundings): string {
  const user = random.pick(['good', 'bob', 'alice%20x', 'b2b', 'proxy', '', random.word(random.below(100))]);
  const scheme = random.pick(['sip', 'sip', 'sip', 'sips', 'tel', random.word(5)]);
  const where = random.chance(0.6) ? around.engine : host(random);
  const parameters = random.pick([
    '',
    '',
    ';lr',
    ';transport=tcp',
    ';transport=ws',
    `;${random.word()}=${random.word()}`,
    ';maddr=127.0.0.1',
  ]);
  return `${scheme}:${user ? `${user}@` : ''}${where}${parameters}`;
}

/** Loopback or names that never resolve: nothing that is sent back leaves this machine. */
function host(random: Random): string {
  const name = random.pick([
    '127.0.0.1',
    '127.0.0.2',
    '[::1]',
    'host.invalid',
    '127.0.0.1',
    `${random.word()}.invalid`,
  ]);
  return random.chance(0.5) ? name : `${name}:${random.pick([0, 1, 9, 65535, 65536])}`;
}

function branch(random: Random): string {
  return random.pick(['z9hG4bK', 'z9hG4bK', 'z9hG4bK', '']) + random.word(random.below(20));
}

function number(random: Random): number | string {
  return random.pick([
    0,
    1,
    2,
    70,
    255,
    256,
    65536,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    '00001',
    random.below(100),
  ]);
}
