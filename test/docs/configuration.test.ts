import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../src/config/load.js';

const PAGES = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

/** What a snippet leaves out. */
const REST = {
  domains: ['corp.example'],
  trunks: [{ name: 'cucm', peers: [{ host: '192.0.2.10' }] }],
  edges: [{ name: 'edge', addresses: ['192.0.2.20'] }],
  push: { provider: 'none' },
};

const snippets = PAGES.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```yaml\n(.*?)\n```$/gms)].map(([, text = ''], at) => ({ page, text, at })),
);

test('there are snippets of the configuration in the guides', (t) => t.true(snippets.length >= 4));

for (const { page, text, at } of snippets) {
  test(`${page}: configuration ${at + 1} can be used as it stands`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'callwake-docs-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (const [, file = ''] of text.matchAll(/keyFile: (\S+\.p8)/g)) {
      writeFileSync(join(folder, file), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    }
    const whole = stringify({ ...REST, ...parse(text) });
    const read = () => parseConfig(whole, { file: join(folder, 'callwake.yaml'), env: {} });
    t.notThrows(read, text);
  });
}
