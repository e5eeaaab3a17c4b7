import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.js';
import { feed, SUBJECTS } from './subjects.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    subject: { type: 'string', default: 'sip' },
    keep: { type: 'string', default: 'fuzz-findings' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const end = Date.now() + Number(values.seconds) * 1000;
/** Megabytes that a long run may add once its first minute is over. */
const GROWTH = 64;

console.log(`seed ${seed}, ${values.seconds} s`);
if (values.subject !== 'sip') await feedAll(values.subject === 'all' ? Object.keys(SUBJECTS) : [values.subject]);
const { batches, messages, memory, finding } = await fuzz({ seed, until: () => Date.now() < end, print: console.log });
console.log(
  `${batches} batches, ${messages} messages; memory ${Math.round(memory.early)} MB early, ${Math.round(memory.late)} MB late`,
);
if (finding) {
  mkdirSync(values.keep, { recursive: true });
  finding.sent.forEach(({ way, data }, index) => {
    writeFileSync(`${values.keep}/${seed}-${String(index).padStart(3, '0')}.${way}`, data);
  });
  console.log(`FOUND: ${finding.text}\nWhat was sent before it is in ${values.keep}/`);
  process.exit(1);
}
if (memory.late > memory.early + GROWTH) {
  console.log('FOUND: memory grows');
  process.exit(1);
}
process.exit(0);

/** Feeds subjects other than SIP, each for the whole time, and ends the process. */
async function feedAll(subjects: readonly string[]): Promise<never> {
  for (const subject of subjects) {
    const until = Date.now() + Number(values.seconds) * 1000;
    const { cases, finding } = await feed(subject, seed, () => Date.now() < until);
    console.log(`${subject}: ${cases} cases`);
    if (finding === undefined) continue;
    mkdirSync(values.keep, { recursive: true });
    writeFileSync(`${values.keep}/${seed}.${subject}`, finding.input);
    console.log(`FOUND: ${finding.text}\nWhat was fed is in ${values.keep}/`);
    process.exit(1);
  }
  process.exit(0);
}
