import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { whatIsWrong } from './config.js';
import { feed } from './subjects.js';

const CASES: Readonly<Record<string, number>> = { config: 100, xmpp: 600, http: 250, apns: 30 };
const SEEDS = [1, 2];

for (const [name, count] of Object.entries(CASES)) {
  test.serial(`${name}: hostile input of seeds ${SEEDS.join(' and ')} gets an answer, and does no harm`, async (t) => {
    t.timeout(120_000);
    for (const seed of SEEDS) {
      const { cases, finding } = await feed(name, seed, (done) => done < count / SEEDS.length);
      t.is(finding?.text, undefined, `seed ${seed}, case ${cases}: ${String(finding?.input).slice(0, 2_000)}`);
      t.is(cases, count / SEEDS.length);
    }
  });
}

const FOUND = 'test/fuzz/corpus/config';

for (const name of readdirSync(FOUND).filter((file) => file.endsWith('.yaml'))) {
  test(`a configuration file that once was badly answered: ${name}`, (t) => {
    t.is(whatIsWrong(readFileSync(`${FOUND}/${name}`, 'utf8')), undefined);
  });
}
