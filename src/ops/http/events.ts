import { z } from 'zod';
import type { Clock } from '../../clock/clock.js';
import type { Changes } from '../changes.js';
import type { RoutePlugin } from './api.js';
import { EventStream } from './event-stream.js';
import { problems, REFUSALS, security } from './openapi.js';
import { Problem } from './problem.js';

/** How many may look on at once. */
const MAX_LISTENERS = 100;

/** `/v1/events`: what changes, as it happens. */
export function eventRoutes(changes: Changes, clock: Clock): RoutePlugin {
  return (server) => {
    const streams = new Set<EventStream>();
    server.addHook('preClose', async () => {
      for (const stream of streams) stream.end();
    });
    server.get(
      '/v1/events',
      {
        config: { scope: 'calls:read' },
        schema: {
          operationId: 'listen',
          summary:
            'Server-sent events: `calls` names the calls that something happened to, `alarm` is an alarm that changed',
          tags: ['calls'],
          security: security('calls:read'),
          response: {
            200: {
              description: 'A stream of events that goes on until it is closed.',
              content: { 'text/event-stream': { schema: z.string() } },
            },
            ...problems(...REFUSALS, 503),
          },
        },
      },
      (_request, reply) => {
        if (changes.listeners >= MAX_LISTENERS) {
          throw new Problem(503, `${MAX_LISTENERS} look on already.`, { headers: { 'retry-after': '30' } });
        }
        let stop = (): void => {};
        const stream = new EventStream(reply, clock, () => {
          stop();
          streams.delete(stream);
        });
        streams.add(stream);
        stop = changes.listen((change) => {
          if (change.kind === 'alarm') stream.send('alarm', change.alarm);
          else stream.send('calls', { callUuids: change.callUuids, more: change.more });
        });
      },
    );
  };
}
