import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { type App, type EngineEndpoint, EngineRefused, startApp } from '../app.js';
import { forWorker, nodeName, WORKER_VARIABLE } from '../cluster/node-name.js';
import { advise } from '../config/advice.js';
import { verifyFiles } from '../config/files.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { lastExpiry } from '../devices/retention.js';
import { createLogger, type Logger } from '../log/logger.js';
import { RecentLog } from '../log/recent.js';
import { openStore } from '../store/open.js';
import { whenParentEnds } from './child.js';
import { ENGINE_RUN_VARIABLE, ENGINE_VARIABLE, type EngineAddress, parseEngineAddress } from './engine-address.js';
import { CliError, type ExitCode } from './exit.js';
import { endedWorker } from './sibling.js';
import { packageVersion } from './version.js';

/**
 * The old heap is collected when it has become twice what lived in it. V8 waits for up to four times that otherwise, and what it waits with is what REGISTERs
 * have left behind. A V8 that doesn't know the flag says so and goes on.
 */
const OLD_HEAP = '--heap-growing-percent=100';
/** Where one of two processors is the engine's, threads that help collecting the young heap have to be waited for, and cost more than they do. */
const LONE_SCAVENGER = '--no-parallel-scavenge';
const FEW_PROCESSORS = 2;

/** `callwake app`: the app alone, against the engine that the environment or the configuration names. Settles when it has ended. */
export async function runAppCommand(file: string, env: NodeJS.ProcessEnv, withParent: boolean): Promise<ExitCode> {
  setFlagsFromString(OLD_HEAP);
  if (availableParallelism() <= FEW_PROCESSORS) setFlagsFromString(LONE_SCAVENGER);
  const config = forWorker(loadConfig({ file, env }), env);
  const run = env[ENGINE_RUN_VARIABLE];
  const engine = { ...engineOf(config, env), ...(run === undefined ? {} : { run }) };
  const recentLog = new RecentLog(config.log.keep);
  const logging = { ...config.log, tap: (line: string) => recentLog.add(line) };
  const log = createLogger(logging);
  dieOnFault(log);
  // drachtio-srf looks into it for every header field, and a plain object is read much faster than the real environment.
  process.env = { ...process.env };
  for (const { path, text } of advise(config)) log.warn('doubtful setting', { setting: path, why: text });
  const app = startApp({
    config,
    engine,
    log,
    logging,
    recentLog,
    store: await openStore(config.store, {
      node: nodeName(config, env),
      shared: env[WORKER_VARIABLE] !== undefined,
      lastsUntil: (devices) => lastExpiry(devices, config.devices),
      onTrouble: (why) => log.error('store in trouble', { why }),
    }),
    version: packageVersion(),
  });
  const ended = new Promise<ExitCode>((resolve, reject) => {
    let stopping = false;
    const stop = (why: string): void => {
      if (stopping) return void app.close().then(() => resolve(0), reject);
      stopping = true;
      log.info('stopping', { why });
      app
        .drain()
        .then(() => app.close())
        .then(() => resolve(0), reject);
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('SIGHUP', () => reload(app, file, env, log));
    const onLine = (line: string): void => {
      const ended = endedWorker(line);
      if (ended) app.nodeEnded(nodeName(config, { [WORKER_VARIABLE]: String(ended.worker) }), ended.pid);
    };
    if (withParent) whenParentEnds(() => stop('parent ended'), onLine);
    app.connected.catch(async (error: unknown) => {
      await app.close();
      reject(error instanceof EngineRefused ? new CliError(error.message, 2) : error);
    });
  });
  return ended;
}

/** Reads the configuration again for what may change while the app runs. A wrong one changes nothing. */
function reload(app: App, file: string, env: NodeJS.ProcessEnv, log: Logger): void {
  try {
    const config = loadConfig({ file, env });
    verifyFiles(config, file);
    app.reload(config);
    log.info('push keys read again', { keys: config.push.accounts.map(({ teamId, keyId }) => `${teamId}/${keyId}`) });
  } catch (error) {
    log.error('configuration not read again', { error });
  }
}

function engineOf(config: Config, env: NodeJS.ProcessEnv): EngineEndpoint {
  const { tls, caFile } = config.engine.control;
  const address = engineAddress(config, env);
  if (!tls) return address;
  return { ...address, tls: caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') } };
}

function engineAddress(config: Config, env: NodeJS.ProcessEnv): EngineAddress {
  const given = env[ENGINE_VARIABLE];
  if (given !== undefined) {
    const address = parseEngineAddress(given);
    if (address === undefined) throw new CliError(`${ENGINE_VARIABLE} must be host:port:secret.`, 2);
    return address;
  }
  const { host, port, secret } = config.engine.control;
  if (config.engine.mode === 'external' && secret !== undefined) return { host, port, secret };
  throw new CliError(`No engine to connect to: use "callwake start", or set ${ENGINE_VARIABLE}.`, 2);
}

/** Nobody knows what state the process is in after an error that nobody caught: say it and end. The supervisor starts the next one. */
function dieOnFault(log: Logger): void {
  const die = (error: unknown): void => {
    log.error('crash', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}
