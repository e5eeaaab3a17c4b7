import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { WakeReport } from '../wake-test/types.js';
import { WakeTestBusy, type WakeTests } from '../wake-test/wake-test.js';
import type { RoutePlugin } from './api.js';
import { EventStream } from './event-stream.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { Problem } from './problem.js';
import { aorSchema } from './schemas.js';

const step = z.object({
  step: z.enum(['device', 'push', 'register', 'options', 'call']),
  ok: z.boolean(),
  ms: z.number().describe('milliseconds since the test began'),
  took: z.number().describe('milliseconds'),
  text: z.string().describe('what was seen'),
});

const report = named(
  'WakeReport',
  z.object({
    aor: z.string(),
    deviceId: z.string(),
    mode: z.enum(['silent', 'call']),
    woken: z.boolean(),
    steps: z.array(step),
    verdict: z.string().describe('where it broke and what to do, or that all is well'),
  }),
);

const body = z
  .strictObject({
    mode: z
      .enum(['silent', 'call'], { error: 'silent or call' })
      .optional()
      .describe(
        '`call`: as a call does, and the phone shows one for a moment; `silent`: a background push, which iOS may delay',
      ),
  })
  .meta({ examples: [{ mode: 'silent' }] });

/** `POST /v1/devices/{aor}/{device}/wake-test`: wakes a phone and tells each step, as it happens when `Accept: text/event-stream`. */
export function wakeTestRoutes(tests: WakeTests, clock: Clock, domains: readonly string[]): RoutePlugin {
  return (server) => {
    server.post(
      '/v1/devices/:aor/:device/wake-test',
      {
        config: { scope: 'calls:write' },
        schema: {
          operationId: 'wakeTest',
          summary: 'Wakes a phone as a call would and says where it broke',
          description:
            'With `Accept: text/event-stream` each step is sent as an event `step` when it ends, then the whole as `report`; a test that can’t be made as `problem`.',
          tags: ['devices'],
          security: security('calls:write'),
          params: z.object({
            aor: aorSchema(domains),
            device: z.string().describe('id of the device'),
          }),
          body,
          response: { 200: report, ...problems(400, 404, 409, 413, 415, ...REFUSALS) },
        },
      },
      async ({ params: { aor, device }, body: { mode }, headers }, reply) => {
        const run = { ...(mode === undefined ? {} : { mode }) };
        if (!/\btext\/event-stream\b/.test(headers.accept ?? '')) {
          // A hold may be longer than an idle connection is kept.
          reply.raw.setTimeout(0);
          return plain(await tests.run(aor, device, run).catch(refused));
        }
        const stream = new EventStream(reply, clock, () => {});
        try {
          const done = await tests.run(aor, device, { ...run, onStep: (entry) => stream.send('step', entry) });
          stream.send('report', plain(done));
        } catch (error) {
          if (error instanceof WakeTestBusy)
            stream.send('problem', { status: 409, detail: `Not now: ${error.message}.` });
          else if (error instanceof Problem) stream.send('problem', { status: error.status, detail: error.detail });
          else throw error;
        } finally {
          stream.end();
        }
        return reply;
      },
    );
  };
}

function plain(done: WakeReport | undefined) {
  if (done === undefined) throw new Problem(404, 'There is no such device.');
  return { ...done, steps: [...done.steps] };
}

function refused(error: unknown): never {
  if (error instanceof WakeTestBusy) throw new Problem(409, `Not now: ${error.message}.`);
  throw error;
}
