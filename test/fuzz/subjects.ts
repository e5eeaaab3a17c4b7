import { Random } from '../../src/sim/random.js';
import { ApnsSubject } from './apns.js';
import { ConfigSubject } from './config.js';
import { HttpSubject } from './http.js';
import type { Finding, Subject } from './subject.js';
import { XmppSubject } from './xmpp.js';

/** What is fuzzed besides SIP, by name. */
export const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
  config: async () => new ConfigSubject(),
  xmpp: async () => new XmppSubject(),
  http: () => HttpSubject.start(),
  apns: () => ApnsSubject.start(),
};

export interface Fed {
  readonly cases: number;
  readonly finding?: Finding;
}

/** Feeds a subject until told to end, or until something is found. The same seed makes the same cases. */
export async function feed(name: string, seed: number, goOn: (cases: number) => boolean): Promise<Fed> {
  const start = SUBJECTS[name];
  if (start === undefined) throw new Error(`there is no subject ${name}, but ${Object.keys(SUBJECTS).join(', ')}`);
  const subject = await start();
  const random = new Random(seed);
  try {
    for (let cases = 0; ; cases++) {
      if (!goOn(cases)) return { cases };
      const finding = await subject.feed(random);
      if (finding !== undefined) return { cases, finding };
    }
  } finally {
    await subject.close();
  }
}
