import { isIP } from 'node:net';
import { z } from 'zod';
import { asksForCertificate, certificate } from './certificate.js';
import { duration, host, listOf, oneOf, pattern, text, whole } from './fields.js';

const SIP_URI = /^sips?:[^\s<>"]+$/;
const NUMBER = /^\+?[0-9A-Za-z*#_.-]{1,64}$/;

/** A number that a call may be sent to over the trunk. */
function number() {
  return pattern(NUMBER, 'a number such as +4930123456, in quotes');
}

const address = {
  host: host(),
  /** Default 5060, with TLS 5061. */
  port: whole(1, 65535).exactOptional(),
  transport: oneOf(['udp', 'tcp', 'tls']).default('tcp'),
  ...certificate,
};

function withPort<T extends { port?: number; transport: string }>(value: T): T & { port: number } {
  return { ...value, port: value.port ?? (value.transport === 'tls' ? 5061 : 5060) };
}

/** Certificates are for TLS, and whose authorities count for a connection is told by its address. */
function checkCertificate(value: z.output<z.ZodObject<typeof address>>, context: z.RefinementCtx): void {
  if (!asksForCertificate(value)) return;
  if (value.transport !== 'tls') {
    const path = [value.caFile === undefined ? 'certificateNames' : 'caFile'];
    context.addIssue({ code: 'custom', path, message: 'left out, unless transport is tls' });
  } else if (value.caFile !== undefined && isIP(value.host) === 0) {
    context.addIssue({ code: 'custom', path: ['host'], message: 'an IP address (needed with caFile)' });
  }
}

/** An address that requests go to. */
export const peer = z
  .strictObject(address)
  .superRefine(checkCertificate)
  .transform((value) => withPort(value));

const trunkPeer = z
  .strictObject({
    ...address,
    /** Calls to the trunk try lower ones first. */
    priority: whole(0, 65535).default(1),
    /** Among peers of one priority: how often it is the first, in proportion. */
    weight: whole(0, 65535).default(1),
  })
  .superRefine(checkCertificate)
  .transform((value) => withPort(value));

const ping = z.strictObject({
  /** Between two OPTIONS to a peer that is in service; 0s: never ping. CUCM's own default. */
  interval: duration('0s', '10m', '60s'),
  /** Between two OPTIONS to a peer that is out of service. */
  retry: duration('1s', '1h', '120s'),
});

const whenNotWoken = z
  .strictObject({
    answer: z.literal([302, 404, 408, 480, 486, 503], { error: 'one of 302, 404, 408, 480, 486, 503' }).default(480),
    /** Where the caller is sent with `answer: 302`. */
    contact: pattern(SIP_URI, 'a SIP URI such as sip:voicemail@corp.example').exactOptional(),
    /** A number that is called over the trunk first; `answer` is for when that fails too. */
    fallback: number().exactOptional(),
  })
  .superRefine((value, context) => {
    if (value.answer === 302 && value.contact === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['contact'],
        message: 'a SIP URI such as sip:voicemail@corp.example (needed with answer 302)',
      });
    }
  });

const status = 'final SIP status codes from 300 to 699, such as 480: 486';
const codes = z.record(
  z.string().regex(/^[3-6]\d\d$/, { error: status }),
  z.int({ error: status }).min(400, { error: status }).max(699, { error: status }),
  { error: `a mapping of ${status}` },
);

/** One trunk of the configuration. */
export const trunk = z.strictObject({
  name: text('a name for the trunk'),
  peers: listOf(trunkPeer, 'peers, each with host, port and transport'),
  ping: ping.prefault({}),
  /** How long a peer may answer an INVITE with nothing but 100 before the next one is tried; 0s: until it times out. */
  failoverAfter: duration('0s', '32s', '8s'),
  /** Calls that wait for an answer, both directions; beyond, 503 with Retry-After. */
  maxHeld: whole(1, 1_000_000).default(10_000),
  /** Answered calls, both directions; beyond, 503 with Retry-After. */
  maxActive: whole(1, 1_000_000).default(20_000),
  /** How long nobody rings before the caller hears ringback. */
  ringbackAfter: duration('0s', '60s', '5s'),
  /** What the trunk gets then. */
  ringback: z
    .union([z.literal(180), z.literal(183), z.literal(110), z.literal('none')], { error: 'one of 180, 183, 110, none' })
    .default(180),
  /** How long a call waits for a phone to wake. */
  hold: duration('100ms', '120s', '13s'),
  /** How long a phone may ring. */
  ring: duration('1s', '30m', '180s'),
  /** How long an active phone may stay silent before it is taken for asleep; 0s: for ever. */
  probe: duration('0s', '30s', '2s'),
  whenNotWoken: whenNotWoken.prefault({}),
  /** Final responses that this trunk gets in place of others. */
  codes: codes.default({}),
});

/** What holds for one user only, by the user part of his address or the whole address. */
export const users = z.record(
  z.string(),
  z.strictObject({
    /** In place of the trunk's `whenNotWoken.fallback`. */
    fallback: number().exactOptional(),
  }),
  { error: 'a mapping of users, each with its own settings' },
);

/** Alert pushes about calls that did not reach a device. */
export const alerts = z.strictObject({
  missedCall: z.boolean({ error: 'true or false' }).default(false),
  answeredElsewhere: z.boolean({ error: 'true or false' }).default(false),
  /** How long Apple keeps one for a phone that is switched off. */
  keep: duration('0s', '7d', '1d'),
});
