import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../src/config/load.js';

const FILE = 'deploy/kubernetes.yaml';
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.enum(['/live', '/ready']), port: z.literal('api') }),
  periodSeconds: z.int(),
  failureThreshold: z.int(),
});
const labels = z.strictObject({ matchLabels: z.strictObject({ app: z.literal('callwake') }) });
const objects = parseAllDocuments(readFileSync(FILE, 'utf8')).map((document) => {
  if (document.errors.length > 0) throw document.errors[0];
  return document.toJS() as Record<string, unknown> & { kind: string };
});

function of(kind: string): Record<string, unknown> {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

const set = z.looseObject({
  spec: z.looseObject({
    replicas: z.int().min(2),
    selector: labels,
    template: z.looseObject({
      metadata: z.strictObject({ labels: z.strictObject({ app: z.literal('callwake') }) }),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.looseObject({ runAsNonRoot: z.literal(true) }),
        containers: z.tuple([
          z.looseObject({
            args: z.array(z.string()),
            securityContext: z.strictObject({
              allowPrivilegeEscalation: z.literal(false),
              readOnlyRootFilesystem: z.literal(true),
              capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
            }),
            env: z.array(z.looseObject({ name: z.string() })),
            startupProbe: probe,
            livenessProbe: probe,
            readinessProbe: probe,
            lifecycle: z.strictObject({
              preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }),
            }),
            volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
          }),
        ]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: z.strictObject({ name: z.string() }) })),
  }),
});

const config = (() => {
  const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(of('ConfigMap'));
  return parseConfig(data['callwake.yaml'] ?? '', { file: '/etc/callwake/callwake.yaml', env: {} });
})();

test('the configuration in it is one, with Redis and an API that probes reach', (t) => {
  t.is(config.store.kind, 'redis');
  t.is(config.api.host, '0.0.0.0');
});

test('pods are probed, drained for as long as a call rings, and keep what waits for Redis', (t) => {
  const { spec } = set.parse(of('StatefulSet'));
  const [container] = spec.template.spec.containers;
  t.is(container.readinessProbe.httpGet.path, '/ready');
  t.is(container.livenessProbe.httpGet.path, '/live');
  t.true(spec.template.spec.terminationGracePeriodSeconds * 1000 > (config.trunks[0]?.ring ?? 0));
  const claims = spec.volumeClaimTemplates.map(({ metadata }) => metadata.name);
  const volumes = [...claims, ...spec.template.spec.volumes.map(({ name }) => name)];
  for (const { name } of container.volumeMounts) t.true(volumes.includes(name), name);
  t.true(
    container.volumeMounts.some(({ name, mountPath }) => claims.includes(name) && mountPath === config.store.path),
  );
  const variables = container.env.map(({ name }) => name);
  const env = Object.fromEntries(variables.map((name) => [name, 'x1']));
  const { data } = z.looseObject({ data: z.record(z.string(), z.string()) }).parse(of('ConfigMap'));
  const set_ = parseConfig(data['callwake.yaml'] ?? '', { file: 'callwake.yaml', env });
  t.is(set_.cluster.node, 'x1');
  t.is(set_.store.redis.password, 'x1');
});

test('no more than one pod is taken away at a time', (t) => {
  const budget = z.looseObject({ spec: z.strictObject({ maxUnavailable: z.literal(1), selector: labels }) });
  t.notThrows(() => budget.parse(of('PodDisruptionBudget')));
});
