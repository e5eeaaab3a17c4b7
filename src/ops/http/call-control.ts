import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { PushOutcome } from '../../push/provider.js';
import type { Operations } from '../operations.js';
import type { CallSummary } from '../timeline/summary.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { Problem } from './problem.js';

/** How long the answer to "push again" waits for Apple's, in milliseconds. */
const PATIENCE = 5_000;

const params = z.object({ id: z.string().max(300).describe('call UUID, Call-ID or Session-ID') });

const ended = named(
  'EndedCall',
  z.object({
    callUuid: z.string(),
    was: z.enum(['held', 'ringing', 'up']).describe('how it stood'),
  }),
);

const body = z
  .strictObject({ device: z.string().max(128).exactOptional().describe('id of one of the devices; default: all') })
  .meta({ examples: [{}] });

const pushedAgain = named(
  'PushedAgain',
  z.object({
    callUuid: z.string(),
    pushes: z.array(
      z.object({
        device: z.string(),
        outcome: z
          .enum(['accepted', 'refused', 'unreachable', 'withdrawn', 'under-way'])
          .describe(`what became of it; \`under-way\`: no answer within ${PATIENCE / 1000} s`),
        status: z.int().optional().describe("Apple's status"),
        reason: z.string().optional().describe('why not'),
        apnsId: z.string().optional(),
      }),
    ),
  }),
);

export type EndedCall = z.infer<typeof ended>;
export type PushedAgain = z.infer<typeof pushedAgain>;

/** `POST /v1/calls/{id}/end` and `/push`: what an operator may do to a call under way. */
export function callControlRoutes(
  { recorder, callControl }: Pick<Operations, 'recorder' | 'callControl'>,
  clock: Clock,
): RoutePlugin {
  const underWay = (id: string): CallSummary & { readonly state: 'held' | 'ringing' | 'up' } => {
    const call = recorder.get(id)?.summary;
    if (call === undefined) throw new Problem(404, 'There is no call with this id, or not any more.');
    const { state } = call;
    if (state === 'over') throw new Problem(409, `The call is over: ${call.reason ?? 'ended'}.`);
    return { ...call, state };
  };
  const common = { tags: ['calls'], security: security('calls:write'), params };
  return (server) => {
    server.post(
      '/v1/calls/:id/end',
      {
        config: { scope: 'calls:write' },
        schema: {
          ...common,
          operationId: 'endCall',
          summary: 'End a call',
          description:
            'A call that is up gets BYE on both sides. Of one that is not answered the caller gets 480, phones that ring get CANCEL, and ' +
            'phones that wake later are told that it is over.',
          response: { 200: ended.describe('It was ended.'), ...problems(400, 404, 409, ...REFUSALS) },
        },
      },
      ({ params: { id } }) => {
        const { callUuid, state } = underWay(id);
        if (!callControl.end(callUuid)) throw new Problem(409, 'The call is not in the hands of this process.');
        return { callUuid, was: state };
      },
    );
    server.post(
      '/v1/calls/:id/push',
      {
        config: { scope: 'calls:write' },
        schema: {
          ...common,
          operationId: 'pushAgain',
          summary: 'Push again to phones that a held call waits for',
          description: 'The same call and call UUID, so that the phone shows one call. The hold does not get longer.',
          body,
          response: {
            200: pushedAgain.describe('What became of each push.'),
            ...problems(400, 404, 409, 413, 415, ...REFUSALS),
          },
        },
      },
      async ({ params: { id }, body: { device } }) => {
        const { callUuid, state } = underWay(id);
        if (state === 'up') throw new Problem(409, 'The call is answered.');
        const pushes = callControl.pushAgain(callUuid, device);
        if (pushes.length === 0) {
          const whom = device === undefined ? 'no device' : `not for ${device}`;
          throw new Problem(409, `The call waits for ${whom} after a push.`);
        }
        return {
          callUuid,
          pushes: await Promise.all(
            pushes.map(async (push) => ({ device: push.device.id, ...told(await within(push.outcome, clock)) })),
          ),
        };
      },
    );
  };
}

function within(outcome: Promise<PushOutcome>, clock: Clock): Promise<PushOutcome | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => resolve(undefined), PATIENCE);
    outcome.then(resolve, reject).finally(() => timer.cancel());
  });
}

function told(outcome: PushOutcome | undefined): Omit<PushedAgain['pushes'][number], 'device'> {
  if (outcome === undefined) return { outcome: 'under-way' };
  return {
    outcome: outcome.kind,
    ...('status' in outcome && outcome.status > 0 ? { status: outcome.status } : {}),
    ...('reason' in outcome ? { reason: outcome.reason } : {}),
    ...('apnsId' in outcome ? { apnsId: outcome.apnsId } : {}),
  };
}
