import { randomUUID } from 'node:crypto';
import { ProtocolError } from './command-error.js';

/** A command of the app, taken apart as far as its first line goes. `sip` is the SIP text that follows it, unread. */
export type Command =
  | { type: 'authenticate'; id: string; secret: string; tags: string[] }
  | { type: 'ping'; id: string }
  | { type: 'figures'; id: string }
  | { type: 'route'; id: string; verb: string }
  | { type: 'remove_route'; id: string; verb: string }
  | SipCommand
  | ProxyCommand;

/** A response to a request (`transaction`), a request outside a dialog (neither), one in a dialog (`dialog`), or a CANCEL. */
export interface SipCommand {
  type: 'sip';
  id: string;
  transaction: string;
  dialog: string;
  /** Next hop for a request outside a dialog; '' for none. */
  proxy: string;
  sip: Buffer;
}

/** `proxy|...`: hand a received request to other targets. */
export interface ProxyCommand {
  type: 'proxy';
  id: string;
  transaction: string;
  recordRoute: boolean;
  fullResponse: boolean;
  followRedirects: boolean;
  simultaneous: boolean;
  /** Milliseconds; undefined for the stack's own. */
  provisionalTimeout: number | undefined;
  finalTimeout: number | undefined;
  destinations: string[];
  sip: Buffer;
}

const CRLF = Buffer.from('\r\n');

/**
 * Reads one message of an app. Throws {@link ProtocolError} for what isn't one.
 */
export function parseCommand(message: Buffer): Command {
  const end = message.indexOf(CRLF);
  const fields = fieldsOf(message.toString('utf8', 0, end < 0 ? message.length : end));
  const sip = end < 0 ? message.subarray(message.length) : message.subarray(end + CRLF.length);
  const [id = '', type] = fields;
  if (type === undefined) throw new ProtocolError(id, 'Invalid message format');
  switch (type) {
    case 'authenticate':
      return { type, id, secret: fields[2] ?? '', tags: (fields[3] ?? '').split(',').filter((tag) => tag !== '') };
    case 'ping':
    case 'figures':
      return { type, id };
    case 'route':
    case 'remove_route': {
      const verb = (fields[2] ?? '').toLowerCase();
      if (!/^[a-z0-9:\-.!%*_+`'~]{1,64}$/.test(verb)) throw new ProtocolError(id, 'Invalid verb');
      return { type, id, verb };
    }
    case 'sip':
      return { type, id, transaction: fields[2] ?? '', dialog: fields[3] ?? '', proxy: fields[4] ?? '', sip };
    case 'proxy':
      return proxyCommand(id, fields, sip);
    default:
      throw new ProtocolError(id, 'Unknown message type');
  }
}

/** What stands between the bars. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  let start = 0;
  for (let bar = line.indexOf('|'); bar >= 0; bar = line.indexOf('|', start)) {
    fields.push(line.slice(start, bar));
    start = bar + 1;
  }
  fields.push(line.slice(start));
  return fields;
}

function proxyCommand(id: string, fields: string[], sip: Buffer): ProxyCommand {
  return {
    type: 'proxy',
    id,
    transaction: fields[2] ?? '',
    recordRoute: fields[3] === 'remainInDialog',
    fullResponse: fields[4] === 'fullResponse',
    followRedirects: fields[5] === 'followRedirects',
    simultaneous: fields[6] === 'simultaneous',
    provisionalTimeout: parseDuration(fields[7] ?? ''),
    finalTimeout: parseDuration(fields[8] ?? ''),
    destinations: fields.slice(9).filter((uri) => uri !== ''),
    sip,
  };
}

/** `2s`, `1500ms`, `20` (seconds); undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s)?$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * (match[2] === 'ms' ? 1 : 1000);
}

/** Where a message came from or went to, as the app is told. */
export interface Meta {
  /** `network` for what was received, `application` for what the stack sent. */
  source: 'network' | 'application';
  bytes: number;
  protocol: string;
  address: string;
  port: number;
  /** Milliseconds since the epoch. */
  time: number;
}

/** `hh:mm:ss.uuuuuu` in UTC. */
export function formatTime(ms: number): string {
  const day = Math.floor(ms) % 86_400_000;
  const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`);
  const micros = String(day % 1000).padStart(3, '0');
  return `${two(Math.floor(day / 3_600_000))}:${two(Math.floor(day / 60_000) % 60)}:${two(Math.floor(day / 1000) % 60)}.${micros}000`;
}

function formatMeta(meta: Meta): string {
  return `${meta.source}|${meta.bytes}|${meta.protocol}|${meta.address}|${meta.port}|${formatTime(meta.time)}`;
}

/** First line of a request or response that the app is handed (messages A to E of the protocol), with its line end. */
export function sipEvent(
  meta: Meta,
  transaction: string,
  dialog: string,
  receivedOn?: { address: string; port: number },
): string {
  const on = receivedOn ? `${receivedOn.address}|${receivedOn.port}|` : '';
  return `${randomUUID()}|sip|${formatMeta(meta)}|${transaction}|${dialog}|${on}\r\n`;
}

/** `OK` without more, or with plain fields. */
export function okReply(id: string, ...fields: string[]): string {
  return `${randomUUID()}|response|${id}|OK${fields.length > 0 ? `|${fields.join('|')}` : ''}`;
}

/** Refused by the stack. */
export function nokReply(id: string, reason: string): string {
  return `${randomUUID()}|response|${id}|NOK|${oneField(reason)}`;
}

/** Refused before the stack was asked. */
export function noReply(id: string, reason: string): string {
  return `${randomUUID()}|response|${id}|NO|${oneField(reason)}`;
}

/** `OK` to a response that was sent; the response itself follows. */
export function sentResponseReply(id: string, meta: Meta, transaction: string, dialog: string): string {
  return `${randomUUID()}|response|${id}|OK|${formatMeta(meta)}|${transaction}|${dialog}||Msg sent:|\r\n`;
}

/** `OK` to a request that was sent; the request itself follows. */
export function sentRequestReply(id: string, meta: Meta, transaction: string): string {
  return `${randomUUID()}|response|${id}|OK|${formatMeta(meta)}|${transaction}|Msg sent:|\r\n`;
}

/** A final response of one branch of a proxied request; the response itself follows, and more replies come. */
export function branchReply(id: string, meta: Meta): string {
  return `${randomUUID()}|response|${id}|OK|${formatMeta(meta)}|||continue\r\n`;
}

/** The proxied request is done. */
export function doneReply(id: string): string {
  return okReply(id, 'done');
}

/** First line of a call detail record; the message follows. */
export function cdrEvent(verb: string, source: 'network' | 'application', time: number, ...fields: string[]): string {
  return `${randomUUID()}|${verb}|${[source, formatTime(time), ...fields].join('|')}\r\n`;
}

function oneField(text: string): string {
  return text.replace(/[|\r\n]/g, ' ');
}
