import { z } from 'zod';
import { aorOf, parseUri } from '../../grammar/uri.js';

/** A value of the program as JSON has it: the same without `readonly`. */
export type Plain<T> = T extends readonly (infer E)[]
  ? Plain<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;

/** The same value, typed as JSON. */
export const plain = <T>(value: T): Plain<T> => value as Plain<T>;

const INSTANT = 'a time such as 2027-05-04T08:30:00Z, or in epoch milliseconds';
const EARLIEST = Date.parse('2000-01-01T00:00:00Z');
const LATEST = Date.parse('2100-01-01T00:00:00Z');

/** A time in an answer. */
export const time = z.number().describe('epoch milliseconds');

/** A time in a request: RFC 3339, or epoch milliseconds as in answers, which is what it is inside. */
export const instant = z
  .union([
    z.iso.datetime({ offset: true, error: INSTANT }),
    z.int({ error: INSTANT }).min(EARLIEST, { error: INSTANT }).max(LATEST, { error: INSTANT }),
  ])
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)));

const AOR = 'an address such as sip:2001@corp.example, or a user of the first domain such as 2001';

/** The address of record that a text means, in its canonical form; undefined if it is none. */
function readAor(text: string, domain: string): string | undefined {
  const whole = text.includes('@') ? text : `${text}@${domain}`;
  try {
    const uri = parseUri(/^sips?:/i.test(whole) ? whole : `sip:${whole}`);
    return uri.user !== undefined && uri.host !== '' ? aorOf(uri) : undefined;
  } catch {
    return undefined;
  }
}

/** A user's address, canonical inside; the first of the domains is that of users without one. */
export function aorSchema([domain = '']: readonly string[]) {
  return z
    .string({ error: AOR })
    .max(512, { error: AOR })
    .meta({ examples: ['sip:2001@corp.example'] })
    .transform((text, context) => {
      const canonical = readAor(text, domain);
      if (canonical !== undefined) return canonical;
      context.issues.push({ code: 'custom', message: AOR, input: text });
      return z.NEVER;
    });
}

/** Text of bounded length without control characters. */
export function shortText(max: number, what: string) {
  const allowed = `${what}: 1 to ${max} characters without control characters`;
  return z
    .string({ error: allowed })
    .min(1, { error: allowed })
    .max(max, { error: allowed })
    .refine((text) => !/\p{Cc}/u.test(text), { error: allowed });
}

const MAX_PAGE = 200;
const pageSize = `a whole number from 1 to ${MAX_PAGE}`;

/** The query of a list. */
export const page = {
  after: z
    .string()
    .max(1024, { error: 'the next of the page before' })
    .default('')
    .describe('`next` of the page before'),
  limit: z.coerce
    .number({ error: pageSize })
    .int({ error: pageSize })
    .min(1, { error: pageSize })
    .max(MAX_PAGE, { error: pageSize })
    .default(50),
} as const;

/** A page of a list in an answer. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next: z.string().optional().describe('give it as `after` for the next page; absent on the last'),
  });
}
