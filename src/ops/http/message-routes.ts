import { z } from 'zod';
import type { DeadLetter } from '../../messages/dead-letters.js';
import { ownerOf } from '../../messages/mailbox.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { page, pageOf, plain, time } from './schemas.js';

const dead = named(
  'DeadMessage',
  z.object({
    at: time.describe('epoch milliseconds when it was given up'),
    receivedAt: time,
    aor: z.string(),
    device: z.string(),
    from: z.string().describe('who sent it, as in its From'),
    contentType: z.string(),
    reason: z.string().describe("the phone's answer, or `kept too long`"),
  }),
);

export type DeadMessageJson = z.infer<typeof dead>;

export interface MessageParts {
  readonly deadMessages: { after(position: string, limit: number): Promise<readonly DeadLetter[]> };
}

/** `/v1/dead-messages`: messages that could not be delivered. What they say is nobody's business here. */
export function messageRoutes({ deadMessages }: MessageParts): RoutePlugin {
  return (server) => {
    server.get(
      '/v1/dead-messages',
      {
        config: { scope: 'devices:read' },
        schema: {
          operationId: 'listDeadMessages',
          summary: 'Messages that were given up in the last 30 days, the oldest first, without their text',
          tags: ['notifications'],
          security: security('devices:read'),
          querystring: z.strictObject(page),
          response: { 200: pageOf(dead).describe('A page of them.'), ...problems(400, ...REFUSALS) },
        },
      },
      async ({ query: { after, limit } }) => {
        const found = await deadMessages.after(after, limit);
        const next = found.length === limit ? found.at(-1)?.position : undefined;
        return plain({ items: found.map(shown), ...(next === undefined ? {} : { next }) });
      },
    );
  };
}

function shown({ message }: DeadLetter): DeadMessageJson {
  const { queue, from, contentType, reason, receivedAt, diedAt } = message;
  const { aor = '', deviceId = '' } = ownerOf(queue) ?? {};
  return { at: diedAt, receivedAt, aor, device: deviceId, from, contentType, reason };
}
