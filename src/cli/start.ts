import { randomBytes, randomUUID } from 'node:crypto';
import { systemClock } from '../clock/clock.js';
import { WORKER_VARIABLE } from '../cluster/node-name.js';
import { verifyFiles } from '../config/files.js';
import { loadConfig } from '../config/load.js';
import { createLogger } from '../log/logger.js';
import { startChild } from './child.js';
import { startEmbeddedEngine } from './embedded-engine.js';
import { ENGINE_RUN_VARIABLE, ENGINE_VARIABLE, type EngineAddress, formatEngineAddress } from './engine-address.js';
import { CliError } from './exit.js';
import { Supervisor, type WatchedProcess } from './supervisor.js';

/** MB of the app's young heap. REGISTERs that wait for the disk outlive the default of 16 and would be copied over and over. */
const YOUNG_HEAP = '--max-semi-space-size=32';

/**
 * `callwake start`: keeps the embedded engine and the app, or several, running, each in a process of its own, until SIGTERM or SIGINT.
 * Settles with the exit code.
 * @param workers how many apps share the engine
 * @throws {CliError} when they have no store to share; {@link ConfigError} when the configuration or a file that it names can't be used.
 */
export async function runStart(file: string, env: NodeJS.ProcessEnv, workers = 1): Promise<number> {
  const config = loadConfig({ file, env });
  verifyFiles(config, file);
  if (workers > 1 && config.store.kind !== 'redis') {
    throw new CliError(
      'Several workers share registrations and calls over Redis: --workers needs store.kind: redis.',
      2,
    );
  }
  const secret = config.engine.control.secret ?? randomBytes(24).toString('base64url');
  let engine: EngineAddress = { ...config.engine.control, secret };
  let run: string | undefined;
  const startEngine = async (): Promise<WatchedProcess> => {
    const started = await startEmbeddedEngine(config, secret);
    engine = { ...engine, port: started.port };
    run = randomUUID();
    return started.process;
  };
  const supervisor = new Supervisor({
    ...(config.engine.mode === 'embedded' ? { startEngine } : {}),
    startApp: (worker) =>
      startChild(['app', '--config', file, '--with-parent'], {
        nodeOptions: [YOUNG_HEAP],
        env: {
          [ENGINE_VARIABLE]: formatEngineAddress(engine),
          ...(run === undefined ? {} : { [ENGINE_RUN_VARIABLE]: run }),
          ...(workers > 1 && { [WORKER_VARIABLE]: String(worker) }),
        },
      }),
    ...(workers > 1 && { workers }),
    clock: systemClock,
    log: createLogger(config.log),
  });
  const stop = (): void => supervisor.stop();
  const reload = (): void => supervisor.reload();
  process.on('SIGHUP', reload);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  try {
    return await supervisor.run();
  } finally {
    process.off('SIGHUP', reload);
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  }
}
