import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../src/config/load.js';
import { type Shape, shapeAt } from '../../src/config/shape.js';

const FILE = 'deploy/callwake.example.yaml';
const text = readFileSync(FILE, 'utf8');

test('the example loads', (t) => {
  const config = parseConfig(text, { file: FILE, env: {} });
  t.deepEqual(config.domains, ['corp.example']);
  t.is(config.trunks[0]?.hold, 13_000);
});

test('what the example sets beside "yours" is the default', (t) => {
  const { domains, trunks, edges, push } = parse(text);
  const mine = {
    domains,
    trunks: [{ name: trunks[0].name, peers: trunks[0].peers }],
    edges,
    push: { provider: push.provider, accounts: push.accounts },
  };
  const bare = parseConfig(stringify(mine), { file: FILE, env: {} });
  t.deepEqual(parseConfig(text, { file: FILE, env: {} }), bare);
});

test('the example shows every setting that there is', (t) => {
  const missing = keysOf(shapeAt([])).filter((key) => !new RegExp(`^\\s*(# |- )?${key}:`, 'm').test(text));
  t.deepEqual(missing, []);
});

function keysOf(shape: Shape | undefined): string[] {
  if (shape === undefined) return [];
  if (shape.kind === 'list') return keysOf(shape.child(0));
  return shape.keys.flatMap((key) => [key, ...keysOf(shape.child(key))]);
}
