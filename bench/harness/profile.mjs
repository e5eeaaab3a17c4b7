// Where the time of a profile went: node bench/harness/profile.mjs FILE.cpuprofile [--top 40] [--from 0] [--of FUNCTION]
// Self time by package and by function, and total time by function, of what came after so many seconds; with --of what a function calls.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    top: { type: 'string', default: '40' },
    from: { type: 'string', default: '0' },
    of: { type: 'string' },
  },
});
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(positionals[0], 'utf8'));
const byId = new Map(nodes.map((node) => [node.id, { ...node, self: 0, total: 0, parent: undefined }]));
for (const node of byId.values()) for (const child of node.children ?? []) byId.get(child).parent = node;
let [busy, elapsed] = [0, 0];
for (const [index, id] of samples.entries()) {
  elapsed += timeDeltas[index];
  if (elapsed < Number(values.from) * 1e6) continue;
  const node = byId.get(id);
  node.self += timeDeltas[index];
  if (!['(idle)', '(program)'].includes(node.callFrame.functionName)) busy += timeDeltas[index];
}

const fileOf = ({ callFrame }) =>
  callFrame.url.replace(/^.*\/(node_modules|dist)\d*\//, '$1/').replace(/^file:\/\//, '');
const nameOf = (node) =>
  `${node.callFrame.functionName || '(anonymous)'} ${fileOf(node)}:${node.callFrame.lineNumber + 1}`;
/** Built-ins count for who calls them. */
const packageOf = (node) => {
  const file = fileOf(node);
  if (file === '')
    return node.parent === undefined || node.callFrame.functionName.startsWith('(')
      ? node.callFrame.functionName
      : packageOf(node.parent);
  const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  return (
    name ??
    file
      .split('/')
      .slice(0, file.startsWith('dist/') ? 3 : 2)
      .join('/')
  );
};

const [packages, selves, totals] = [new Map(), new Map(), new Map()];
const add = (map, key, time) => map.set(key, (map.get(key) ?? 0) + time);
for (const node of byId.values()) {
  if (node.self === 0) continue;
  add(packages, packageOf(node), node.self);
  add(selves, nameOf(node), node.self);
  const seen = new Set();
  for (let at = node; at !== undefined; at = at.parent) {
    const name = nameOf(at);
    if (!seen.has(name)) add(totals, name, node.self);
    seen.add(name);
  }
}
console.log(`busy ${Math.round(busy / 1000)} ms; shares of that`);
show('self, by package', packages);
show('self, by function', selves);
show('total, by function', totals);
if (values.of !== undefined) {
  const called = new Map();
  for (const node of byId.values()) {
    if (node.callFrame.functionName !== values.of) continue;
    add(called, '(self)', node.self);
    for (const child of node.children ?? []) add(called, nameOf(byId.get(child)), sum(byId.get(child)));
  }
  show(`called by ${values.of}`, called);
}

function sum(node) {
  return node.self + (node.children ?? []).reduce((all, child) => all + sum(byId.get(child)), 0);
}

function show(title, map) {
  console.log(`\n${title}`);
  const sorted = [...map].sort(([, a], [, b]) => b - a).slice(0, Number(values.top));
  for (const [name, time] of sorted) console.log(`${((time / busy) * 100).toFixed(1).padStart(6)} %  ${name}`);
}
