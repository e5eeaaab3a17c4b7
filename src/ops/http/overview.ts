import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { Operations } from '../operations.js';
import type { RoutePlugin } from './api.js';
import type { Readiness } from './health.js';
import { named, problems, REFUSALS, security } from './openapi.js';

/** How many of the calls that are held the longest are named. */
const OLDEST = 10;

const at = z.number().describe('epoch milliseconds');

const alarm = named(
  'Alarm',
  z.object({
    name: z.string().describe('as Cisco names it, where CUCM has one for it'),
    subject: z.string().describe('what it is about'),
    severity: z.enum(['alert', 'critical', 'error', 'warning']),
    state: z.enum(['active', 'event', 'cleared']),
    reason: z.string().describe('what was seen'),
    text: z.string().describe('what it means and what to do'),
    raisedAt: at,
    clearedAt: at.optional(),
  }),
);

const moment = z.coerce.number({ error: 'epoch milliseconds' }).exactOptional();

const alarmQuery = z.strictObject({
  name: z.string().max(100).exactOptional(),
  text: z.string().max(200).exactOptional().describe('part of the subject or the reason'),
  since: moment,
  until: moment,
  limit: z.coerce
    .number({ error: '1 to 1000' })
    .int({ error: '1 to 1000' })
    .min(1, { error: '1 to 1000' })
    .max(1000, { error: '1 to 1000' })
    .default(200),
});

const trunk = named(
  'Trunk',
  z.object({
    name: z.string(),
    held: z.int(),
    active: z.int(),
    peers: z.array(
      z.object({
        peer: z.string(),
        state: z.enum(['unknown', 'in-service', 'out-of-service']),
        reason: z.string(),
        since: at,
      }),
    ),
  }),
);

const percentiles = {
  count: z.int(),
  p50: z.number().optional(),
  p95: z.number().optional(),
  p99: z.number().optional(),
};

const push = z.object({
  provider: z.string(),
  queued: z.int(),
  inFlight: z.int(),
  connections: z.array(z.object({ host: z.string(), state: z.string(), streams: z.int() })),
  lastError: z.object({ at, text: z.string() }).optional(),
});

const overview = named(
  'Overview',
  z.object({
    node: z.string(),
    version: z.string(),
    now: at,
    startedAt: at,
    ready: z.boolean(),
    missing: z.array(z.string()),
    calls: z.object({ held: z.int(), ringing: z.int(), up: z.int() }),
    oldestHeld: z.array(
      z.object({
        callUuid: z.string(),
        caller: z.string().optional(),
        called: z.string().optional(),
        startedAt: at,
      }),
    ),
    outcomes: z.record(z.string(), z.int()).describe('calls that ended since the start, by reason'),
    pushes: z.record(z.string(), z.int()).describe('pushes of calls since the start, by answer'),
    wake: z.object(percentiles).describe('milliseconds from push to REGISTER in the last hour'),
    minutes: z.array(z.object({ at, calls: z.int(), ...percentiles })).describe('the last hour'),
    trunks: z.array(trunk),
    push,
    alarms: z.array(alarm),
  }),
);

export type AlarmView = z.infer<typeof alarm>;
export type TrunkView = z.infer<typeof trunk>;
export type Overview = z.infer<typeof overview>;

/** `/v1/overview`, `/v1/trunks`, `/v1/alarms`, `/v1/configuration`: how callwake does. */
export function overviewRoutes(operations: Operations, readiness: Readiness, clock: Clock): RoutePlugin {
  const { recorder, statistics, alarms, alarmHistory } = operations;
  const read = { config: { scope: 'status:read' as const } };
  const common = { tags: ['status'], security: security('status:read') };
  return (server) => {
    server.get(
      '/v1/overview',
      {
        ...read,
        schema: {
          ...common,
          operationId: 'getOverview',
          summary: 'How callwake does, at a glance',
          response: { 200: overview, ...problems(...REFUSALS) },
        },
      },
      async () => {
        const missing = await readiness.missing();
        const held = recorder.underWay.filter(({ state }) => state === 'held');
        const { outcomes, pushes, wake, minutes } = statistics.figures;
        const { connections, ...provider } = operations.push();
        return {
          node: operations.node,
          version: operations.version,
          now: clock.now(),
          startedAt: operations.startedAt,
          ready: missing.length === 0,
          missing: [...missing],
          calls: {
            held: held.length,
            ringing: recorder.underWay.filter(({ state }) => state === 'ringing').length,
            up: recorder.underWay.filter(({ state }) => state === 'up').length,
          },
          oldestHeld: held.slice(0, OLDEST),
          outcomes,
          pushes,
          wake,
          minutes: [...minutes],
          trunks: operations.trunks().map((view) => ({ ...view, peers: [...view.peers] })),
          push: { ...provider, connections: [...connections] },
          alarms: [...alarms.active],
        };
      },
    );
    server.get(
      '/v1/trunks',
      {
        ...read,
        schema: {
          ...common,
          operationId: 'listTrunks',
          summary: 'The trunks with the state of each peer',
          response: { 200: z.object({ trunks: z.array(trunk) }), ...problems(...REFUSALS) },
        },
      },
      () => ({ trunks: operations.trunks().map((view) => ({ ...view, peers: [...view.peers] })) }),
    );
    server.get(
      '/v1/alarms',
      {
        ...read,
        schema: {
          ...common,
          operationId: 'listAlarms',
          summary: 'What is wrong now, and what changed, the newest first',
          querystring: alarmQuery,
          response: {
            200: z.object({
              active: z.array(alarm).describe('what is wrong now; the query is not about these'),
              history: z
                .array(alarm)
                .describe('raised, happened, cleared: over restarts, as long as `alarms` in the configuration says'),
              total: z.int().describe('how many changes fit'),
            }),
            ...problems(400, ...REFUSALS),
          },
        },
      },
      ({ query: { limit, ...filter } }) => {
        const { alarms: found, total } = alarmHistory.find(filter, limit);
        return { active: [...alarms.active], history: [...found], total };
      },
    );
    server.get(
      '/v1/configuration',
      {
        ...read,
        schema: {
          ...common,
          operationId: 'getConfiguration',
          summary: 'The configuration in force, as YAML: defaults filled in, secrets hidden',
          response: { 200: z.object({ yaml: z.string() }), ...problems(...REFUSALS) },
        },
      },
      () => ({ yaml: operations.configuration() }),
    );
  };
}
