import { z } from 'zod';
import type { ConfigPath } from './errors.js';
import { configSchema } from './schema.js';

/** What a place of the configuration takes, as far as naming and converting need it. */
export interface Shape {
  readonly kind: 'mapping' | 'list' | 'text' | 'other';
  /** Keys of a mapping. */
  readonly keys: readonly string[];
  readonly child: (step: string | number) => Shape | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** The top alone is known at once: what is below is worked out by the first who looks there, as a start without mistakes never does. */
const root: Shape = {
  kind: 'mapping',
  keys: Object.keys(configSchema.shape),
  child: (step) => {
    whole ??= shapeOf(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any', reused: 'inline' }));
    return whole.child(step);
  },
};
let whole: Shape | undefined;

/** The shape at a path; undefined where the configuration has no such place. */
export function shapeAt(path: ConfigPath): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const step of path) shape = shape?.child(step);
  return shape;
}

function shapeOf(schema: Json): Shape {
  const properties = isJson(schema.properties) ? schema.properties : {};
  const items = schema.items;
  return {
    kind: kindOf(schema.type),
    keys: Object.keys(properties),
    child: (step) => {
      const child = typeof step === 'number' ? items : Object.hasOwn(properties, step) ? properties[step] : undefined;
      return isJson(child) ? shapeOf(child) : undefined;
    },
  };
}

function kindOf(type: unknown): Shape['kind'] {
  if (type === 'object') return 'mapping';
  if (type === 'array') return 'list';
  return type === 'string' ? 'text' : 'other';
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
