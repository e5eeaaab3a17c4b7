import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';

/** A secret shorter than that would be found by chance. */
const SHORTEST = 6;
const LONG_HEX = /[0-9a-f]{32,}/gi;
const SECRET_SETTING = /secret|password/i;
/** What every SDP with audio or video has. */
const SDP = [/(^|[\\rn"])[ma]=(audio|video|rtpmap)/, /\bo=\S+ \d+ \d+ IN IP[46]/];

/** What a test or demo knows and a process must not show. */
export class Secrets {
  readonly #tokens = new Set<string>();
  readonly #texts = new Map<string, string>();

  /** `what` names it where it is found. Too short ones are passed over, as they would be found by chance. */
  add(what: string, secret: string | undefined): void {
    if (secret === undefined || secret.length < SHORTEST) return;
    if (secret.match(LONG_HEX)?.[0] === secret) this.#tokens.add(secret.toLowerCase());
    else this.#texts.set(secret, what);
  }

  /** It is no secret any more. */
  forget(secret: string): void {
    this.#tokens.delete(secret.toLowerCase());
    this.#texts.delete(secret);
  }

  /** Takes the secrets of a configuration and the private keys in the files that it names. */
  addConfiguration(file: string): void {
    this.#walk(parse(readFileSync(file, 'utf8')), '', dirname(file));
  }

  /** What is in a text that must not be there; empty is right. SDP is no secret where somebody has asked for it. */
  findIn(text: string, sdpToo = true): string[] {
    const found = [...text.matchAll(LONG_HEX)]
      .filter(([run]) => this.#tokens.has(run.toLowerCase()))
      .map(() => 'push token');
    for (const [secret, what] of this.#texts) if (text.includes(secret)) found.push(what);
    if (sdpToo && SDP.some((pattern) => pattern.test(text))) found.push('SDP');
    return [...new Set(found)];
  }

  #walk(value: unknown, name: string, folder: string): void {
    if (typeof value === 'string') {
      if (SECRET_SETTING.test(name)) this.add(name, value);
      else if (name === 'keyFile') this.#addKey(resolve(folder, value));
    } else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value);
      for (const [key, entry] of entries) this.#walk(entry, Array.isArray(value) ? name : key, folder);
    }
  }

  /** A line of the key is enough: whoever prints some of it prints one. */
  #addKey(file: string): void {
    if (!existsSync(file)) return;
    for (const line of readFileSync(file, 'utf8').split('\n'))
      if (/^[\w+/=]{30,}$/.test(line)) this.add('private key', line);
  }
}

/** Beyond, what has come so far is looked through at once. */
const KEPT = 16_000_000;

/** Looks through all that a process writes for secrets, whether they were known when it was written or are later. */
export class OutputScan {
  readonly #found = new Set<string>();
  #lines: string[] = [];
  #size = 0;

  constructor(private readonly secrets: Secrets) {}

  take(line: string): void {
    this.#lines.push(line);
    this.#size += line.length;
    if (this.#size > KEPT) this.#look();
  }

  /** Each secret that was found, once, with where. */
  end(): readonly string[] {
    this.#look();
    return [...this.#found];
  }

  #look(): void {
    if (this.secrets.findIn(this.#lines.join('\n')).length > 0) {
      for (const line of this.#lines) {
        for (const what of this.secrets.findIn(line)) this.#found.add(`${what} in: ${line.slice(0, 300)}`);
      }
    }
    this.#lines = [];
    this.#size = 0;
  }
}
