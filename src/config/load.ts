import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { type Environment, readOverrides } from './environment.js';
import { ConfigError, type ConfigPath } from './errors.js';
import { explain, place, position } from './explain.js';
import { type Config, configSchema } from './schema.js';

const MAX_FILE_BYTES = 1_000_000;

export interface LoadOptions {
  /** Path of the YAML file. */
  readonly file: string;
  /** Variables `CALLWAKE_...` in it override the file; usually `process.env`. */
  readonly env: Environment;
}

/**
 * Loads the configuration file, puts the environment's overrides over it and checks the whole.
 * Relative paths in it are taken from the file's folder.
 * @throws {ConfigError} with every problem found.
 */
export function loadConfig({ file, env }: LoadOptions): Config {
  return parseConfig(readText(file), { file, env });
}

/** As {@link loadConfig}, for text at hand; `file` names it in messages and gives the folder for relative paths. */
export function parseConfig(text: string, { file, env }: LoadOptions): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map(({ pos, message }) => ({
        path: '',
        ...position(lines, pos[0]),
        message: `YAML: ${message}`,
      })),
    );
  }
  const { overrides, problems } = readOverrides(env);
  const input = withoutEmpty(plainValue(document, file) ?? {});
  for (const { path, value } of overrides) setAt(input, path, value);
  // What is parsed once is parsed before code for it would be made.
  const result = configSchema.safeParse(input, { jitless: true });
  const found = result.success ? [] : result.error.issues.flatMap((issue) => explain(issue, input));
  const placed = found.map((problem) => place(problem, document, lines, overrides));
  const all = [...problems, ...placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))];
  if (!result.success || all.length > 0) throw new ConfigError(file, all);
  return absolutePaths(result.data, dirname(resolve(file)));
}

/** An alias without its anchor, or too many of them, shows only here. */
function plainValue(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError(file, [{ path: '', message: `YAML: ${reasonOf(error)}` }]);
  }
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) throw new ConfigError(file, [{ path: '', message: `has ${size} bytes: too much` }]);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(file, [{ path: '', message: `can't be read: ${reasonOf(error)}` }]);
  }
}

/** A file system error in words, without code and call. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'no permission',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is no folder',
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}

/** Takes away mappings' keys without a value: `devices:` alone means the defaults. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutEmpty(child)]));
}

function setAt(target: unknown, path: ConfigPath, value: unknown): void {
  let at = target;
  path.forEach((step, index) => {
    if (typeof at !== 'object' || at === null) return;
    const holder = at as Record<string | number, unknown>;
    if (index === path.length - 1) {
      holder[step] = value;
      return;
    }
    if (typeof holder[step] !== 'object' || holder[step] === null) {
      holder[step] = typeof path[index + 1] === 'number' ? [] : {};
    }
    at = holder[step];
  });
}

function absolutePaths(config: Config, folder: string): Config {
  const { engine, push, store, registrar, devices, api, timeline, trunks, edges } = config;
  const { digest } = registrar;
  const { tls } = engine;
  const filesOf = (values: Readonly<Record<string, unknown>>, ...names: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const path = values[name];
        return typeof path === 'string' ? [[name, resolve(folder, path)] as const] : [];
      }),
    );
  const withCa = <T extends { readonly caFile?: string }>(entry: T): T => ({
    ...entry,
    ...filesOf({ caFile: entry.caFile }, 'caFile'),
  });
  return {
    ...config,
    trunks: trunks.map((trunk) => ({ ...trunk, peers: trunk.peers.map(withCa) })),
    edges: edges.map(withCa),
    engine: {
      ...engine,
      control: { ...engine.control, ...filesOf(engine.control, 'caFile') },
      tls: {
        ...tls,
        ...filesOf(tls, 'keyFile', 'certFile', 'caFile'),
        serverNames: tls.serverNames.map(({ name, keyFile, certFile }) => ({
          name,
          keyFile: resolve(folder, keyFile),
          certFile: resolve(folder, certFile),
        })),
      },
    },
    api: {
      ...api,
      tls: { ...api.tls, ...filesOf(api.tls, 'keyFile', 'certFile') },
      jwt: { ...api.jwt, ...filesOf(api.jwt, 'publicKeyFile') },
    },
    registrar: {
      ...registrar,
      upstream: { ...registrar.upstream, peers: registrar.upstream.peers.map(withCa) },
      digest: { ...digest, ...filesOf(digest, 'usersFile') },
    },
    ...(devices.purrKeyFile === undefined
      ? {}
      : { devices: { ...devices, purrKeyFile: resolve(folder, devices.purrKeyFile) } }),
    timeline: { ...timeline, ...filesOf(timeline, 'folder') },
    store: {
      ...store,
      path: resolve(folder, store.path),
      redis: {
        ...store.redis,
        tls: { ...store.redis.tls, ...filesOf(store.redis.tls, 'caFile', 'certFile', 'keyFile') },
      },
    },
    push: {
      ...push,
      accounts: push.accounts.map((account) => ({ ...account, keyFile: resolve(folder, account.keyFile) })),
      ...(push.caFile === undefined ? {} : { caFile: resolve(folder, push.caFile) }),
    },
  };
}
