import { z } from 'zod';
import { MAX_MUTED, type Preferences, PreferencesError } from '../../messages/preferences.js';
import type { RoutePlugin } from './api.js';
import { named, problems, REFUSALS, security } from './openapi.js';
import { unprocessable } from './problem.js';
import { aorSchema, instant, time as moment, plain } from './schemas.js';

const TIME = 'a time such as 22:00';
const time = z.string({ error: TIME }).regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: TIME });
const DAYS = 'numbers from 1 (Monday) to 7 (Sunday)';
const ZONE = 'an IANA time zone such as Europe/Berlin';
const MUTED = 'names of conversations, 1 to 256 characters each';

/** Preferences, with times as requests or as answers have them. */
function schemaOf<T extends z.ZodType>(until: T) {
  return z.strictObject({
    quietHours: z
      .strictObject(
        {
          from: time,
          to: time.describe('over midnight when it is earlier than `from`'),
          timeZone: z.string({ error: ZONE }).min(1, { error: ZONE }).max(64, { error: ZONE }),
          days: z
            .array(z.int({ error: DAYS }).min(1, { error: DAYS }).max(7, { error: DAYS }), { error: DAYS })
            .max(7, { error: DAYS })
            .exactOptional()
            .describe('on which they begin: 1 (Monday) to 7 (Sunday); all if absent'),
        },
        { error: 'an object with from, to and timeZone' },
      )
      .exactOptional(),
    mute: z
      .strictObject({ until: until.exactOptional() }, { error: 'an object' })
      .exactOptional()
      .describe('no alerts at all, for ever without `until`'),
    mutedConversations: z
      .array(z.string({ error: MUTED }).min(1, { error: MUTED }).max(256, { error: MUTED }), {
        error: `a list of ${MUTED}`,
      })
      .max(MAX_MUTED, { error: `at most ${MAX_MUTED} conversations` })
      .exactOptional(),
    calls: z
      .boolean({ error: 'true or false' })
      .exactOptional()
      .describe('quiet hours and mute hold for calls too: sleeping phones are not woken'),
  });
}

const given = schemaOf(instant);
const shown = named('Preferences', schemaOf(moment));

export interface PreferenceParts {
  readonly preferences: Preferences;
  /** Domains that are served here, lower case. */
  readonly domains: readonly string[];
}

const EXAMPLE = {
  quietHours: { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5] },
  mutedConversations: ['football'],
};

/** What users want to be told, and when. */
export function preferenceRoutes({ preferences: kept, domains }: PreferenceParts): RoutePlugin {
  const params = z.object({ aor: aorSchema(domains) });
  return (server) => {
    server.get(
      '/v1/users/:aor/preferences',
      {
        config: { scope: 'users:read' },
        schema: {
          operationId: 'getPreferences',
          summary: 'Quiet hours and mute of a user; empty when he is told everything',
          tags: ['users'],
          security: security('users:read'),
          params,
          response: { 200: shown.describe('His preferences.'), ...problems(400, ...REFUSALS) },
        },
      },
      async ({ params: { aor: user } }) => plain(await kept.get(user)),
    );
    server.put(
      '/v1/users/:aor/preferences',
      {
        config: { scope: 'users:write' },
        schema: {
          operationId: 'putPreferences',
          summary: 'Set quiet hours and mute of a user, in place of those that there are',
          tags: ['users'],
          security: security('users:write'),
          params,
          body: given.meta({ examples: [EXAMPLE] }),
          response: { 200: shown.describe('His preferences now.'), ...problems(400, 413, 415, 422, ...REFUSALS) },
        },
      },
      async ({ params: { aor: user }, body }) => {
        if (!domains.includes(user.slice(user.lastIndexOf('@') + 1))) {
          throw unprocessable({ in: 'path', path: 'aor', value: user, allowed: `an address of ${domains.join(', ')}` });
        }
        try {
          await kept.put(user, body);
        } catch (error) {
          if (!(error instanceof PreferencesError)) throw error;
          const [path = '', allowed = ''] = error.message.split(/ (?=must |may )/);
          throw unprocessable({ in: 'body', path, allowed });
        }
        return body;
      },
    );
  };
}
