import type { Writable } from 'node:stream';
import { createLogger as createWinston, format as formats, transports } from 'winston';
import { maskFields, maskText } from './mask.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What belongs to an event. `callUuid` and `sessionId` tie the lines of one call together. */
export interface LogFields {
  readonly callUuid?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly [name: string]: unknown;
}

/** What every part of callwake logs with. `event` is a short fixed text such as `call held`; what varies goes into fields. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Whether lines of this level are written now: for who would make many that nobody reads. */
  wants(level: LogLevel): boolean;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Read at each line: it may be changed. */
  level: LogLevel;
  readonly format: 'json' | 'pretty';
  /** Where the lines go; default standard output. */
  readonly stream?: Writable;
  /** Gets each line too, as JSON. */
  readonly tap?: (line: string) => void;
}

/** A logger that writes one line per event and never a secret. */
export function createLogger(options: LoggerOptions): Logger {
  const winston = createWinston({
    level: 'debug',
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: formats.printf(({ level, message, fields }) => {
      const entry = { level, event: String(message), fields: isFields(fields) ? fields : {} };
      const line = options.format === 'json' || options.tap ? jsonLine(entry) : '';
      options.tap?.(line);
      return options.format === 'json' ? line : prettyLine(entry);
    }),
    transports: [new transports.Stream({ stream: options.stream ?? process.stdout, eol: '\n' })],
  });
  const ranks: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };
  return wrap(
    (level) => ranks[level] <= ranks[options.level],
    (level, event, fields) => winston.write({ level, message: event, fields }),
    {},
  );
}

/** A logger that says nothing. */
export const silentLogger: Logger = wrap(
  () => false,
  () => undefined,
  {},
);

type Write = (level: LogLevel, event: string, fields: LogFields) => void;

function wrap(wanted: (level: LogLevel) => boolean, write: Write, fixed: LogFields): Logger {
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (wanted(level)) write(level, event, { ...fixed, ...fields });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    wants: wanted,
    child: (fields) => wrap(wanted, write, { ...fixed, ...fields }),
  };
}

interface Entry {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

function jsonLine({ level, event, fields }: Entry): string {
  const time = new Date().toISOString();
  return JSON.stringify({ time, level, event: maskText(event), ...withoutReserved(maskFields(fields)) });
}

function prettyLine({ level, event, fields }: Entry): string {
  return lineText({ time: new Date().toISOString(), level, event: maskText(event), ...maskFields(fields) });
}

/** A line of the log for people; what it holds must be without secrets. */
export function lineText({
  time,
  level,
  event,
  ...fields
}: {
  readonly time: string;
  readonly level: string;
  readonly event: string;
}): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${prettyValue(value)}`);
  return [time.slice(11, 23), level.padEnd(5), oneLine(event), ...shown].join(' ');
}

function prettyValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'undefined';
  return /^[\w.:;@/+<>()[\]=-]+$/.test(value) ? value : JSON.stringify(value);
}

function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
}

function withoutReserved(fields: Record<string, unknown>): Record<string, unknown> {
  if (fields.time === undefined && fields.level === undefined && fields.event === undefined) return fields;
  const { time, level, event, ...rest } = fields;
  const renamed = { ...(time === undefined ? {} : { time_: time }), ...(event === undefined ? {} : { event_: event }) };
  return { ...rest, ...renamed, ...(level === undefined ? {} : { level_: level }) };
}

function isFields(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null;
}
