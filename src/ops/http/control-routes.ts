import { z } from 'zod';
import type { LogLevel } from '../../log/logger.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';

/** What operators may do to the process. */
export interface Control {
  /** Takes no new calls; those that wait for an answer go on. */
  drain(): Promise<void>;
  /** Takes new calls again. */
  resume(): void;
  /** Whether new calls are refused, and how many still wait for an answer. */
  draining(): { readonly draining: boolean; readonly waiting: number };
  logLevel: LogLevel;
}

const drainState = named(
  'Drain',
  z.object({
    draining: z.boolean().describe('new calls get 503 with Retry-After'),
    waiting: z.int().describe('calls that wait for an answer; with none left the process may be stopped'),
  }),
);

const LEVELS = 'debug, info, warn or error';
const logLevel = z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error'], { error: LEVELS }) });

/** Drain and log level. */
export function controlRoutes(control: Control): RoutePlugin {
  const read = { config: { scope: 'status:read' as const } };
  const write = { config: { scope: 'operations:write' as const } };
  const drain = {
    tags: ['operations'],
    response: { 200: drainState.describe('How it stands.'), ...problems(...REFUSALS) },
  };
  const level = {
    tags: ['operations'],
    response: { 200: logLevel.describe('The level in force.'), ...problems(...REFUSALS) },
  };
  return (server) => {
    server.get(
      '/v1/drain',
      {
        ...read,
        schema: { ...drain, operationId: 'getDrain', summary: 'Does it drain?', security: security('status:read') },
      },
      () => control.draining(),
    );
    server.post(
      '/v1/drain',
      {
        ...write,
        schema: {
          ...drain,
          operationId: 'drain',
          summary: 'Take no new calls',
          description:
            'Calls under way go on. `/ready` says that it drains. The process does not end: SIGTERM ends it.',
          security: security('operations:write'),
        },
      },
      () => {
        void control.drain();
        return control.draining();
      },
    );
    server.delete(
      '/v1/drain',
      {
        ...write,
        schema: {
          ...drain,
          operationId: 'resume',
          summary: 'Take new calls again',
          security: security('operations:write'),
        },
      },
      () => {
        control.resume();
        return control.draining();
      },
    );
    server.get(
      '/v1/log-level',
      {
        ...read,
        schema: {
          ...level,
          operationId: 'getLogLevel',
          summary: 'How much is logged',
          security: security('status:read'),
        },
      },
      () => ({ level: control.logLevel }),
    );
    server.put(
      '/v1/log-level',
      {
        ...write,
        schema: {
          ...level,
          operationId: 'setLogLevel',
          summary: 'Log more or less, until the process ends',
          security: security('operations:write'),
          response: { ...level.response, ...problems(400, 413, 415) },
          body: logLevel.meta({ examples: [{ level: 'debug' }] }),
        },
      },
      ({ body }) => {
        control.logLevel = body.level;
        return { level: control.logLevel };
      },
    );
  };
}
