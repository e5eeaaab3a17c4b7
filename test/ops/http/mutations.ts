import type { ValidateFunction } from 'ajv/dist/2020.js';

type Json = unknown;
type Schema = Readonly<Record<string, unknown>>;

/** Values of every type: at least one of them is none of what a schema wants. */
const ODDITIES: readonly Json[] = [null, true, -1, 1.5, '', 'x'.repeat(5000), [null], { odd: 1 }];

/** An example with one thing changed. */
export interface Mutation {
  /** What was done, in words. */
  readonly what: string;
  readonly value: Json;
}

/** A value within an example: where, and the example with another one there (undefined: with none). */
interface Place {
  readonly path: string;
  readonly with: (value: Json) => Json;
}

/**
 * What comes of an example by changing, taking away or adding one member, at any depth, and is not valid any more. `validate` decides that;
 * a change that leaves it valid is none.
 */
export function invalidVariants(example: Json, validate: ValidateFunction): readonly Mutation[] {
  return placesIn(example, { path: 'body', with: (value) => value }).flatMap(({ path, with: put }, index) => {
    // One for each place, another kind of mistake at the next.
    const odd = [...ODDITIES.slice(index % ODDITIES.length), ...ODDITIES];
    const changed = odd.map((value) => ({ what: `${path} is ${shown(value)}`, value: put(value) }));
    return [
      ...changed.filter(({ value }) => !validate(value)).slice(0, 1),
      ...[{ what: `no ${path}`, value: put(undefined) }].filter(({ value }) => value !== undefined && !validate(value)),
    ];
  });
}

function placesIn(value: Json, at: Place): readonly Place[] {
  if (Array.isArray(value)) {
    const items = value.map((item, index) => {
      const put = (next: Json): Json =>
        at.with(next === undefined ? value.toSpliced(index, 1) : value.with(index, next));
      return placesIn(item, { path: `${at.path}[${index}]`, with: put });
    });
    return [at, ...items.flat()];
  }
  if (typeof value !== 'object' || value === null) return [at];
  const members = Object.entries({ ...value, odd: undefined }).map(([name, member]) => {
    const { [name]: _gone, ...others }: Readonly<Record<string, Json>> = { ...value };
    const put = (next: Json): Json => at.with(next === undefined ? others : { ...others, [name]: next });
    return placesIn(member, { path: `${at.path}.${name}`, with: put });
  });
  return [at, ...members.flat()];
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 30 ? `${text.slice(0, 30)}...` : text;
}

/** What a parameter of that schema may be: an entry of its enumeration, its default, its smallest number. Undefined: nobody knows. */
export function goodParameter(schema: Schema): string | undefined {
  if (Array.isArray(schema.enum)) return String(schema.enum[0]);
  if (schema.type === 'integer' || schema.type === 'number') return String(schema.minimum ?? 1_800_000_000_000);
  const [first] = Array.isArray(schema.anyOf) ? schema.anyOf.slice(-1) : [];
  if (first !== undefined) return goodParameter(first as Schema);
  return schema.type === 'string' ? 'a' : undefined;
}

/** What a parameter of that schema may not be: at most so many characters. */
export function badParameters(schema: Schema, validate: ValidateFunction, most: number): readonly string[] {
  const isNumber = schema.type === 'integer' || schema.type === 'number';
  if (isNumber) return ['x', ...['-9007199254740993', '1.5', '1e99'].filter((text) => !validate(Number(text)))];
  const candidates = ['no such', ...[130, 250, 400, 1500].map((length) => 'x'.repeat(length))];
  return candidates.filter((text) => text.length <= most && !validate(text)).slice(0, 2);
}
