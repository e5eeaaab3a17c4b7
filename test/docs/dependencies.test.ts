import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock: { lockfileVersion: number; packages: Readonly<Record<string, Locked & Manifest>> } = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
);
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
const running = packages.filter(([, { dev, devOptional }]) => !dev && !devOptional);

const ALLOWED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD']);
/** Packages that have a licence and don't say so in their package.json: where it is. */
const ELSEWHERE: Readonly<Record<string, { readonly version: string; readonly file: string; readonly text: RegExp }>> =
  {
    'node_modules/only': { version: '0.0.2', file: 'Readme.md', text: /\(The MIT License\)/ },
  };

test('docs/dependencies.md has each dependency with its licence and a reason, and no other', (t) => {
  const [, running = '', building = ''] = readFileSync('docs/dependencies.md', 'utf8').split(
    /^## (?:At run|To build).*$/m,
  );
  for (const [text, wanted] of [
    [running, manifest.dependencies],
    [building, manifest.devDependencies],
  ] as const) {
    const rows = [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)];
    t.deepEqual(
      rows.map(([, name]) => name),
      Object.keys(wanted).sort(),
    );
    for (const [, name, licence, why = ''] of rows) {
      t.is(licence, lock.packages[`node_modules/${name}`]?.license, name);
      t.true(why.length >= 5, name);
    }
  }
});

test('package-lock.json is the one of package.json, and holds each package to its hash', (t) => {
  t.is(lock.lockfileVersion, 3);
  const root = lock.packages[''];
  t.deepEqual(root?.dependencies, manifest.dependencies);
  t.deepEqual(root?.devDependencies, manifest.devDependencies);
  t.deepEqual(
    packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')),
    [],
  );
});

test('whatever runs has a licence that allows it', (t) => {
  t.true(running.length > 50);
  const others = running.filter(([, { license }]) => license === undefined || !ALLOWED.has(license));
  for (const [path, { version, license }] of others) {
    const known = ELSEWHERE[path];
    t.true(version === known?.version, `${path}@${version}: ${license}`);
    if (known !== undefined) t.regex(readFileSync(join(path, known.file), 'utf8'), known.text);
  }
});

test('npm run sbom lists what runs and what builds, from the lock file alone', (t) => {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'sbom', '--offline'], { encoding: 'utf8' });
  t.is(status, 0, stderr);
  const { bomFormat, components } = JSON.parse(stdout) as {
    bomFormat: string;
    components: { name: string; purl: string; hashes: { alg: string }[]; properties?: { name: string }[] }[];
  };
  t.is(bomFormat, 'CycloneDX');
  const builds = ({ properties = [] }: (typeof components)[number]): boolean =>
    properties.some(({ name }) => name === 'cdx:npm:package:development');
  const listed = new Set(components.filter((part) => !builds(part)).map(({ purl }) => decodeURIComponent(purl)));
  for (const name of Object.keys(manifest.dependencies)) {
    t.true(listed.has(`pkg:npm/${name}@${lock.packages[`node_modules/${name}`]?.version}`), name);
  }
  t.true(components.some((part) => part.name === 'ava' && builds(part)));
  t.true(components.every(({ hashes }) => hashes.some(({ alg }) => alg === 'SHA-512')));
});

const FOUND = {
  vulnerabilities: { evil: { name: 'evil', severity: 'high', via: [{ url: 'https://advisories.example/1' }] } },
  metadata: { vulnerabilities: { low: 0, high: 1, total: 1 } },
};

for (const [what, answer, code, said, status] of [
  [
    'nothing found',
    { vulnerabilities: {}, metadata: { vulnerabilities: { low: 0, total: 0 } } },
    0,
    /^audit: done: no known/,
    0,
  ],
  ['something found', FOUND, 1, /^audit: done: 1 high\n {2}evil: high: https:\/\/advisories\.example\/1/, 1],
  ['no endpoint', { message: '405 Method Not Allowed - POST x' }, 1, /^audit: not done: 405 Method Not Allowed/, 0],
  ['no JSON', 'oops', 1, /^audit: not done: no answer/, 0],
] as const) {
  test(`test/audit.sh says what it did: ${what}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'callwake-audit-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${code}\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
    const ended = spawnSync('bash', ['test/audit.sh'], { encoding: 'utf8', env });
    t.regex(ended.stdout, said);
    t.is(ended.status, status, ended.stderr);
  });
}
