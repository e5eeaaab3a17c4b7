import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { ApiStage } from '../ops/api-stage.js';

const RULES = 'deploy/prometheus/callwake.rules.yml';

const target = z.looseObject({ expr: z.string().min(1), refId: z.string(), legendFormat: z.string() });
const panel = z.looseObject({
  id: z.int(),
  type: z.string(),
  title: z.string().min(1),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.array(target).optional(),
});
const dashboardSchema = z.looseObject({
  uid: z.string(),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string() })) }),
  annotations: z.object({ list: z.array(z.looseObject({ expr: z.string() })) }),
  panels: z.array(panel),
});
const rulesSchema = z.object({
  groups: z.array(
    z.object({ name: z.string(), rules: z.array(z.looseObject({ alert: z.string(), expr: z.string() })) }),
  ),
});

const dashboard = dashboardSchema.parse(JSON.parse(readFileSync('deploy/grafana/dashboards/callwake.json', 'utf8')));
const rules = rulesSchema.parse(parse(readFileSync(RULES, 'utf8'))).groups.flatMap((group) => group.rules);
const drawn = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];

/** Debian's `prometheus` brings it. */
function promtool(t: ExecutionContext, args: readonly string[], input?: string): void {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8', input, timeout: 50_000 });
  if (error) throw new Error(`promtool can't be run (apt-get install prometheus): ${error.message}`);
  t.is(status, 0, `promtool ${args.join(' ')}\n${stdout}${stderr}`);
}

/** The metrics that an expression is made of, as `# TYPE` lines name them. */
function metricsIn(expression: string): string[] {
  const names = expression.match(/\b(callwake|nodejs|process)_\w+/g) ?? [];
  return names.map((name) => name.replace(/(_seconds)_(bucket|sum|count)$/, '$1'));
}

test('promtool: the rules are rules, the configuration takes them, and they fire when they should and else not', (t) => {
  promtool(t, ['check', 'rules', RULES]);
  promtool(t, ['check', 'config', 'deploy/prometheus/prometheus.yml']);
  promtool(t, ['test', 'rules', 'deploy/prometheus/callwake.rules.test.yml']);
  const tested = readFileSync('deploy/prometheus/callwake.rules.test.yml', 'utf8');
  for (const { alert } of rules) t.true(tested.includes(`alertname="${alert}"`), alert);
});

test('every expression of the dashboard is PromQL', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-grafana-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rules.yml');
  const plain = drawn.map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
  t.true(plain.length > 30);
  t.false(plain.some((expr) => expr.includes('$')));
  const recorded = plain.map((expr, index) => ({ record: `panel:${index}`, expr }));
  writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
  promtool(t, ['check', 'rules', file]);
});

test('the dashboard is one that Grafana takes: ids once, panels side by side, nothing outside its 24 columns', (t) => {
  const { panels, templating } = dashboard;
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  t.deepEqual(
    templating.list.map(({ name }) => name),
    ['datasource', 'instance'],
  );
  const taken = new Set<string>();
  for (const { title, gridPos, targets = [] } of panels) {
    t.is(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    t.true(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        t.false(taken.has(`${x} ${y}`), title);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

test('every metric of dashboard, rules and docs/metrics.md is one that callwake has, and the other way round; promtool finds nothing', async (t) => {
  const api = await ApiStage.start(t, { api: { metricsWithoutToken: true } });
  const { status, text } = await api.ask('/metrics', { token: null });
  t.is(status, 200);
  const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? ''));
  const shown = new Set(drawn.flatMap(metricsIn));
  const alerted = new Set(rules.flatMap(({ expr }) => metricsIn(expr)));
  const told = new Set(metricsIn(readFileSync('docs/metrics.md', 'utf8')));
  for (const name of [...shown, ...alerted, ...told]) t.true(known.has(name), name);
  const own = [...known].filter((name) => name.startsWith('callwake_'));
  for (const name of own) {
    t.true(told.has(name), `docs/metrics.md does not tell of ${name}`);
    t.true(shown.has(name) || name === 'callwake_info', `the dashboard does not show ${name}`);
  }
  t.true(own.length > 20);
  const lines = text.split('\n').filter((line) => /^(# (HELP|TYPE) )?callwake_/.test(line));
  promtool(t, ['check', 'metrics'], `${lines.join('\n')}\n`);
  t.is((await api.ask('/v1/overview', { token: null })).status, 401);
});
