import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Notification, Notifier, NotifyResult } from '../../messages/notification.js';
import type { RoutePlugin } from './api.js';
import type { Idempotency } from './idempotency.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { notFound } from './problem.js';
import { aorSchema, instant, shortText } from './schemas.js';

/** How long an answer waits for Apple, in milliseconds. */
const PATIENCE = 10_000;

const BADGE = 'a whole number from 0 to 99999';
const badge = z.int({ error: BADGE }).min(0, { error: BADGE }).max(99_999, { error: BADGE });
const count = z.int({ error: BADGE }).min(0, { error: BADGE }).max(99_999, { error: BADGE });
const JOIN = 'a URL such as https://meet.example/room';
const FLAG = 'true or false';

const sender = z.strictObject(
  {
    name: shortText(128, 'a name').exactOptional().describe('what a person reads'),
    address: shortText(256, 'an address').exactOptional().describe('a SIP address, number or JID'),
  },
  { error: 'an object with name, address or both' },
);

const common = {
  device: shortText(128, 'a device id').exactOptional().describe('only this device of the user'),
  conversation: shortText(256, 'the name of a conversation')
    .exactOptional()
    .describe('a later notification of a conversation takes the place of an earlier one'),
  badge: badge.exactOptional().describe("the number on the app's icon"),
  expiresAt: instant.exactOptional().describe('after that nobody wants to read it'),
};

const message = z.strictObject({
  kind: z.literal('message'),
  ...common,
  sender,
  text: z.string({ error: 'text' }).max(4000, { error: 'text of at most 4000 characters' }).exactOptional(),
});

const invitation = z.strictObject({
  kind: z.literal('invitation'),
  ...common,
  invitation: z.strictObject(
    {
      title: shortText(256, 'a title'),
      organiser: shortText(128, 'a name').exactOptional(),
      start: instant,
      joinUrl: z
        .string({ error: JOIN })
        .max(1024, { error: JOIN })
        .regex(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s]+$/, { error: JOIN })
        .exactOptional(),
    },
    { error: 'an object with title and start' },
  ),
});

const voicemail = z.strictObject({
  kind: z.literal('voicemail'),
  ...common,
  counts: z.strictObject({ new: count, old: count }, { error: 'an object with new and old' }),
  sender: sender.exactOptional(),
  silent: z.boolean({ error: FLAG }).exactOptional().describe('changes the badge only'),
});

const missedCall = z.strictObject({
  kind: z.literal('missed-call'),
  ...common,
  sender,
  calledNumber: shortText(64, 'a number').exactOptional(),
  at: instant,
});

const KINDS = 'message, invitation, voicemail or missed-call';

/** The body of a request; `to` is read as the domains say. */
function bodyOf(domains: readonly string[]) {
  const to = { to: aorSchema(domains) };
  const kinds = [message.extend(to), invitation.extend(to), voicemail.extend(to), missedCall.extend(to)] as const;
  return z.discriminatedUnion('kind', kinds, { error: KINDS }).meta(EXAMPLES);
}

type Given = z.output<ReturnType<typeof bodyOf>>;

const EXAMPLES = {
  examples: [
    {
      kind: 'message',
      to: 'sip:2001@corp.example',
      sender: { name: 'Ada Lovelace', address: 'sip:2002@corp.example' },
      text: 'Lunch?',
      conversation: 'ada',
      badge: 1,
    },
    {
      kind: 'invitation',
      to: 'sip:2001@corp.example',
      invitation: {
        title: 'Quarterly review',
        organiser: 'Ada Lovelace',
        start: '2027-05-04T08:30:00Z',
        joinUrl: 'https://meet.example/room',
      },
      expiresAt: '2027-05-04T09:30:00Z',
    },
    { kind: 'voicemail', to: 'sip:2001@corp.example', counts: { new: 2, old: 5 }, badge: 2 },
    { kind: 'missed-call', to: 'sip:2001@corp.example', sender: { name: 'Ada Lovelace' }, at: '2027-05-04T08:31:00Z' },
  ],
};

const outcomes = ['pushed', 'active', 'other-active', 'muted', 'quiet', 'expired', 'unreachable', 'failed'] as const;

const answer = named(
  'NotificationResult',
  z.object({
    id: z.string().describe('names the notification, in the payload too'),
    results: z.array(
      z.object({
        device: z.string(),
        outcome: z.enum(outcomes),
        reason: z.string().describe('in words'),
      }),
    ),
  }),
);

const KEY = '1 to 128 visible ASCII characters';

const headers = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, { error: KEY })
    .optional()
    .describe('the same key again gets the same answer for 24 hours, and nothing is done twice'),
});

export interface NotificationParts {
  readonly notifier: Notifier;
  readonly idempotency: Idempotency;
  /** Domains that are served here, lower case. */
  readonly domains: readonly string[];
}

interface Decided {
  readonly id: string;
  readonly results: readonly NotifyResult[];
}

/** Notifications of systems that don't speak SIP. */
export function notificationRoutes({ notifier, idempotency, domains }: NotificationParts): RoutePlugin {
  const decide = async (id: string, given: Given): Promise<Decided> => {
    const results = await notifier.notify(notificationOf(id, given), { patience: PATIENCE });
    if (results.length === 0)
      throw notFound(given.device === undefined ? `device of ${given.to}` : `device ${given.device} of ${given.to}`);
    return { id, results };
  };
  return (server) => {
    server.post(
      '/v1/notifications',
      {
        config: { scope: 'notifications:write' },
        schema: {
          operationId: 'notify',
          summary: 'Tell a user of a message, an invitation, voicemail or a missed call',
          description:
            'Each device whose app is not in the foreground gets an alert push, unless another device of the user is in use or the user ' +
            'wants no alerts now. The answer comes when all is decided, after 10 s at the latest.',
          tags: ['notifications'],
          security: security('notifications:write'),
          headers,
          body: bodyOf(domains),
          response: {
            200: answer.describe('What became of it at each device.'),
            ...problems(400, 404, 409, 413, 415, 422, ...REFUSALS),
          },
        },
      },
      async ({ body: given, headers: { 'idempotency-key': key }, caller }, reply) => {
        if (key === undefined) return copy(await decide(randomUUID(), given));
        const request = { subject: caller ?? '', key, body: given };
        const id = idempotency.nameOf(request).slice(0, 32);
        const { answer: decided, replayed } = await idempotency.once(request, () => decide(id, given));
        if (replayed) reply.header('idempotency-replayed', 'true');
        return copy(decided);
      },
    );
  };
}

const copy = ({ id, results }: Decided) => ({ id, results: results.map((result) => ({ ...result })) });

function notificationOf(id: string, given: Given): Notification {
  const { to, device, ...rest } = given;
  return { id, aor: to, ...(device === undefined ? {} : { deviceId: device }), ...rest };
}
