import { z } from 'zod';
import type { Operations } from '../operations.js';
import { arrowsOf, PARTIES, partiesOf } from '../timeline/arrows.js';
import { captureOf } from '../timeline/capture.js';
import type { RecordedCall } from '../timeline/recorder.js';
import { ladderText } from '../timeline/text.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { Problem } from './problem.js';

const ms = z.number().describe('milliseconds since the INVITE');

const summary = named(
  'Call',
  z.object({
    callUuid: z.string(),
    sessionId: z.string().optional().describe('RFC 7989'),
    callId: z.string().optional(),
    direction: z.enum(['to-phone', 'to-trunk']),
    trunk: z.string().optional(),
    caller: z.string().optional().describe('missing when unknown or when the caller asked for privacy'),
    called: z.string().optional(),
    state: z.enum(['held', 'ringing', 'up', 'over']),
    reason: z.string().optional().describe('why it ended: `answered`, `not-woken`, `push-failed`, ...'),
    status: z.int().optional().describe('the final status that the caller got, if the call was refused'),
    startedAt: z.number().describe('epoch milliseconds'),
    endedAt: z.number().optional(),
    ringingAfter: ms.optional(),
    answeredAfter: ms.optional(),
    endedAfter: ms.optional(),
    wakeTook: z
      .number()
      .optional()
      .describe('milliseconds from the first push to the REGISTER of the first pushed phone'),
    pushedAfter: ms.optional(),
    pushes: z.int(),
    devices: z.int(),
  }),
);

export type CallView = z.infer<typeof summary>;

const party = z.enum(PARTIES);

const endpoint = z.object({ address: z.string(), port: z.int() });

const detail = named(
  'CallWithEvents',
  z.object({
    summary,
    parties: z.array(party).describe('the columns of a ladder, from left to right'),
    events: z.array(
      z.object({
        at: z.number().describe('epoch milliseconds'),
        ms,
        type: z.string(),
        fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
        arrow: z
          .object({ from: party, to: party.optional(), label: z.string(), device: z.string().optional() })
          .describe('how a ladder shows it; without `to` it is a note'),
      }),
    ),
    dropped: z.int().describe('events that were too many to be kept'),
    messages: z
      .array(
        z.object({
          at: z.number().describe('epoch milliseconds'),
          protocol: z.string().describe('udp, tcp, tls, ws or wss'),
          from: endpoint,
          to: endpoint,
          text: z.string().describe('as it was on the wire, without credentials, push tokens and (by default) body'),
        }),
      )
      .describe('SIP messages of all legs; empty unless `timeline.messages` is set'),
  }),
);

const time = z.coerce.number({ error: 'epoch milliseconds' }).optional();

const query = z.strictObject({
  text: z.string().max(200).optional().describe('part of a number, a Call-ID, Session-ID or call UUID'),
  state: z.enum(['held', 'ringing', 'up', 'over'], { error: 'held, ringing, up or over' }).optional(),
  reason: z.string().max(50).optional(),
  trunk: z.string().max(200).optional(),
  since: time,
  until: time,
  limit: z.coerce
    .number({ error: '1 to 1000' })
    .int({ error: '1 to 1000' })
    .min(1, { error: '1 to 1000' })
    .max(1000, { error: '1 to 1000' })
    .default(50),
  offset: z.coerce.number({ error: '0 or more' }).int({ error: '0 or more' }).min(0, { error: '0 or more' }).default(0),
});

const params = z.object({ id: z.string().max(300).describe('call UUID, Call-ID or Session-ID') });

/** `/v1/calls`: calls under way and the last ones that are over. */
export function callRoutes({ recorder, messagesOf }: Pick<Operations, 'recorder' | 'messagesOf'>): RoutePlugin {
  const known = (id: string): RecordedCall => {
    const call = recorder.get(id);
    if (call === undefined) throw new Problem(404, 'There is no call with this id, or not any more.');
    return call;
  };
  return (server) => {
    server.get(
      '/v1/calls',
      {
        config: { scope: 'calls:read' },
        schema: {
          operationId: 'listCalls',
          summary: 'Calls under way and the last ones that are over, the newest first',
          tags: ['calls'],
          security: security('calls:read'),
          querystring: query,
          response: {
            200: z
              .object({ calls: z.array(summary), total: z.int() })
              .describe('A page of them, and how many there are.'),
            ...problems(400, ...REFUSALS),
          },
        },
      },
      ({ query: { limit, offset, ...filter } }) => {
        const { calls, total } = recorder.find(withoutUndefined(filter), limit, offset);
        return { calls: [...calls], total };
      },
    );
    server.get(
      '/v1/calls/:id',
      {
        config: { scope: 'calls:read' },
        schema: {
          operationId: 'getCall',
          summary: 'A call with all that happened to it',
          tags: ['calls'],
          security: security('calls:read'),
          params,
          response: { 200: detail, ...problems(400, 404, ...REFUSALS) },
        },
      },
      ({ params: { id } }) => {
        const { summary: call, events, dropped } = known(id);
        const arrows = arrowsOf({ summary: call, events });
        return {
          summary: call,
          parties: [...partiesOf(events)],
          events: events.map((event, index) => ({
            at: event.at,
            ms: event.ms,
            type: event.type,
            fields: withoutUndefined(event.fields),
            arrow: arrows[index] ?? { from: 'callwake' as const, label: event.type },
          })),
          dropped,
          messages: [...messagesOf(call)],
        };
      },
    );
    server.get(
      '/v1/calls/:id/ladder',
      {
        config: { scope: 'calls:read' },
        schema: {
          operationId: 'getLadder',
          summary: 'A call as a ladder in text',
          tags: ['calls'],
          security: security('calls:read'),
          params,
          response: {
            200: { description: 'The ladder.', content: { 'text/plain': { schema: z.string() } } },
            ...problems(400, 404, ...REFUSALS),
          },
        },
      },
      ({ params: { id } }, reply) => {
        reply.type('text/plain; charset=utf-8');
        return ladderText(known(id));
      },
    );
    server.get(
      '/v1/calls/:id/capture',
      {
        config: { scope: 'calls:read' },
        schema: {
          operationId: 'getCapture',
          summary: 'A call as a capture file for Wireshark: its SIP messages, if they are kept, and what else happened',
          tags: ['calls'],
          security: security('calls:read'),
          params,
          response: {
            200: { description: 'PCAPNG.', content: { 'application/x-pcapng': { schema: z.unknown() } } },
            ...problems(400, 404, ...REFUSALS),
          },
        },
      },
      ({ params: { id } }, reply) => {
        const call = known(id);
        reply.type('application/x-pcapng');
        reply.header('content-disposition', `attachment; filename="${call.summary.callUuid}.pcapng"`);
        return captureOf(call, messagesOf(call.summary));
      },
    );
  };
}

/** Without what is undefined. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
