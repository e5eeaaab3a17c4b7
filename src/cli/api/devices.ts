import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceEventJson } from '../../ops/http/device-history.js';
import type { DeviceJson } from '../../ops/http/device-routes.js';
import { CliError } from '../exit.js';
import { ApiClient } from './client.js';
import type { CommandContext, ReportOptions } from './command.js';
import { clean, duration, instant, json, table } from './text.js';

/** The devices of a user, in the order of their ids. @throws {CliError} when the API can't be asked */
export async function devicesOf(client: ApiClient, user: string): Promise<readonly DeviceJson[]> {
  return (await client.get<{ items: DeviceJson[] }>(`/v1/devices/${encodeURIComponent(user)}`)).items;
}

/**
 * The one device that is meant: by its id, by the beginning of its id, or by Cisco's device name.
 * @throws {CliError} when none or several are
 */
export function pickDevice(devices: readonly DeviceJson[], user: string, wanted: string): DeviceJson {
  const id = wanted.toLowerCase().replace(/^urn:uuid:/, '');
  const exact = devices.filter((device) => device.id.toLowerCase() === id || device.deviceName?.toLowerCase() === id);
  const found = exact.length > 0 ? exact : devices.filter((device) => device.id.toLowerCase().startsWith(id));
  const [device, second] = found;
  const known = devices.map((entry) => entry.id).join(', ');
  if (device === undefined) {
    throw new CliError(
      `${user} has no device ${wanted}; ${known === '' ? 'it has none' : `it has ${clean(known)}`}.`,
      1,
    );
  }
  if (second !== undefined) throw new CliError(`${wanted} may be any of ${clean(known)}.`, 1);
  return device;
}

function theOnly(devices: readonly DeviceJson[], user: string): DeviceJson {
  const [device, second] = devices;
  if (device === undefined) throw new CliError(`${user} has no phone that is registered or can be woken.`, 1);
  if (second === undefined) return device;
  throw new CliError(`${user} has several phones; name one of ${clean(devices.map(({ id }) => id).join(', '))}.`, 1);
}

export interface DevicesOptions extends ReportOptions {
  readonly text?: string;
  readonly state?: string;
  readonly platform?: string;
  /** Of how many users. */
  readonly limit: number;
}

interface Found {
  readonly items: readonly { readonly aor: string; readonly devices: readonly DeviceJson[] }[];
  readonly next?: string;
  readonly total?: number;
  readonly reading?: boolean;
}

/** How long until a search is asked again while callwake still reads its devices, in milliseconds. */
const AGAIN = 500;

/** `callwake devices [aor]`. @throws {CliError} when the API can't be asked */
export async function runDevices(
  user: string | undefined,
  options: DevicesOptions,
  { env, write }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read']);
  if (user === undefined) return write(foundText(await search(client, options), options));
  const devices = (await devicesOf(client, user)).filter(
    ({ state, platform }) =>
      (options.state === undefined || state.state === options.state) &&
      (options.platform === undefined || platform === options.platform),
  );
  if (options.json) return write(json({ items: devices }));
  if (devices.length === 0) return write(`${user} has no phone that is registered or can be woken.\n`);
  write(devicesTable(devices));
}

async function search(client: ApiClient, { text, state, platform, limit }: DevicesOptions): Promise<Found> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (text !== undefined) query.set('text', text);
  if (state !== undefined) query.set('state', state);
  if (platform !== undefined) query.set('platform', platform);
  for (;;) {
    const found = await client.get<Found>(`/v1/devices?${query}`);
    if (found.reading !== true) return found;
    await sleep(AGAIN);
  }
}

function foundText(found: Found, options: DevicesOptions): string {
  if (options.json) return json(found);
  const devices = found.items.flatMap((item) => item.devices);
  if (devices.length === 0) return 'No phones.\n';
  const all = found.total === undefined ? '' : ` of ${found.total}`;
  const more = found.next === undefined ? '' : `${devices.length}${all} phones; --limit shows more.\n`;
  return devicesTable(devices, true) + more;
}

function devicesTable(devices: readonly DeviceJson[], ofAll = false): string {
  const rows = devices.map((device) => [
    ...(ofAll ? [device.aor.replace(/^sips?:/, '')] : []),
    device.id,
    device.platform,
    device.deviceName ?? '-',
    device.state.state,
    device.state.reason,
    String(device.bindings.length),
    device.tokens.map(({ kind }) => kind).join(', ') || 'none',
    instant(device.seenAt),
  ]);
  const headings = ['device', 'platform', 'name', 'state', 'because', 'bindings', 'tokens', 'last seen'];
  return table(ofAll ? ['user', ...headings] : headings, rows);
}

/** `callwake device <aor> [id]`; with one device the id is not needed. */
export async function runDevice(
  user: string,
  id: string | undefined,
  options: ReportOptions,
  { env, write }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read']);
  const devices = await devicesOf(client, user);
  const device = id === undefined ? theOnly(devices, user) : pickDevice(devices, user, id);
  const place = `/v1/devices/${encodeURIComponent(device.aor)}/${encodeURIComponent(device.id)}/history`;
  const history = (await client.get<{ items: DeviceEventJson[] }>(place)).items;
  write(options.json ? json({ ...device, history }) : deviceText(device) + historyText(history));
}

function historyText(history: readonly DeviceEventJson[]): string {
  const lines = history.map(({ at, what, text, times, callUuid }) => {
    const more = `${times > 1 ? `, ${times} times` : ''}${callUuid === undefined ? '' : `, call ${callUuid}`}`;
    return `  ${instant(at)}  ${what.padEnd(10)}  ${clean(text)}${more}\n`;
  });
  return lines.length === 0 ? '' : `lately\n${lines.join('')}`;
}

/** What `callwake forget` forgets, and its place below the device in the API. */
const PLACES = {
  'voip-token': '/tokens/voip',
  'alert-token': '/tokens/alert',
  bindings: '/bindings',
  device: '',
} as const;

/** `callwake forget <aor> <id> <what>`. @throws {CliError} when there is nothing to forget */
export async function runForget(
  user: string,
  id: string,
  what: keyof typeof PLACES,
  options: ReportOptions,
  { env, write }: CommandContext,
): Promise<void> {
  const client = ApiClient.open(options, env, ['devices:read', 'devices:write']);
  const device = pickDevice(await devicesOf(client, user), user, id);
  const place = `/v1/devices/${encodeURIComponent(device.aor)}/${encodeURIComponent(device.id)}${PLACES[what]}`;
  await client.ask(place, { method: 'DELETE' });
  if (options.json) return write(json({ aor: device.aor, device: device.id, forgotten: what }));
  write(
    `Forgotten: ${what === 'device' ? '' : `the ${what.replace('-', ' ')} of `}${clean(device.id)} of ${clean(device.aor)}.\n`,
  );
}

function deviceText(device: DeviceJson): string {
  const lines: [string, string][] = [
    ['device', `${device.id} of ${device.aor}`],
    ['platform', `${device.platform}${device.userAgent === undefined ? '' : `, ${device.userAgent}`}`],
    ...(device.deviceName === undefined ? [] : [['name', device.deviceName] satisfies [string, string]]),
    ['state', `${device.state.state}, because ${device.state.reason}`],
    ['last seen', instant(device.seenAt)],
    ...list('bindings', 'none: it can only be woken', device.bindings.map(bindingText)),
    ...list('tokens', "none: it can't be woken", device.tokens.map(tokenText)),
    ['payloads', device.encrypted ? `encrypted${keyName(device)}` : 'not encrypted'],
  ];
  return lines.map(([name, text]) => `${name.padEnd(9)}  ${clean(text)}\n`).join('');
}

const keyName = ({ encryptionKeyId }: DeviceJson): string =>
  encryptionKeyId === undefined ? '' : ` with key ${encryptionKeyId}`;

function bindingText({ uri, path, mode, source, expiresAt }: DeviceJson['bindings'][number]): string {
  const route = path.length === 0 ? '' : `, Path ${path.join(', ')}`;
  const left = duration(Math.max(0, expiresAt - Date.now()));
  return `${uri} (${mode}) over ${source}, for another ${left}${route}`;
}

function tokenText(token: DeviceJson['tokens'][number]): string {
  const { kind, hash, bundleId, teamId, environment, seenAt } = token;
  const where = environment === undefined ? '' : `, ${environment}`;
  return `${kind} ${hash} for ${bundleId} of ${teamId}${where}; named ${instant(seenAt)}`;
}

function list(name: string, none: string, entries: readonly string[]): [string, string][] {
  return (entries.length === 0 ? [none] : entries).map((text, index) => [index === 0 ? name : '', text]);
}
