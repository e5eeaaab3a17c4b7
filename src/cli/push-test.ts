import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { systemClock } from '../clock/clock.js';
import { verifyFiles } from '../config/files.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import type { Device } from '../devices/types.js';
import { apnsOptions, recipientOf } from '../open-push.js';
import { alertOf } from '../push/alert-payload.js';
import { ApnsProvider } from '../push/apns/client.js';
import { type ApnsProviderOptions, defaultEndpoints } from '../push/apns/options.js';
import { reach } from '../push/apns/reach.js';
import { reasonInWords } from '../push/apns/reactions.js';
import { voipPayload } from '../push/payload.js';
import type { PushEnvironment, PushOutcome } from '../push/provider.js';
import { storeTokens } from '../push/store-tokens.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { CliError, type ExitCode } from './exit.js';

/** What `callwake push-test` takes. One of `device` and `token` is needed. */
export interface PushTestOptions {
  /** An address (`sip:2001@corp.example`) or a device's id. */
  readonly device?: string;
  /** A device token, hexadecimal, and the topic that goes with it. */
  readonly token?: string;
  readonly topic?: string;
  readonly team?: string;
  readonly environment?: PushEnvironment;
  /** Of a device: push to its token for alerts, in place of the one for calls. */
  readonly alert?: boolean;
  /** Milliseconds that each step may take. */
  readonly timeout: number;
}

interface Target {
  readonly token: string;
  readonly topic: string;
  readonly teamId: string;
  /** Those to try, in this order. */
  readonly environments: readonly PushEnvironment[];
  readonly device?: Device;
}

type Print = (line: string) => void;

/**
 * Sends one real push and tells step by step what happened: the way to Apple, and Apple's answer. Gives 0 when Apple took it.
 * @throws {CliError} or {ConfigError} when it can't be tried
 */
export async function runPushTest(
  file: string,
  env: NodeJS.ProcessEnv,
  options: PushTestOptions,
  print: Print,
): Promise<ExitCode> {
  const config = loadConfig({ file, env });
  if (config.push.provider !== 'apns') throw new CliError('push.provider is none: there is nobody to push to.', 2);
  verifyFiles(config, file);
  const store = await storeOf(config);
  try {
    return await test(config, await targetOf(config, options, store), store, options, print);
  } finally {
    await store?.close();
  }
}

/** The running callwake's store, where there is one: its devices, and the provider token that all of the site use. */
async function storeOf({ store }: Config): Promise<Store | undefined> {
  return store.kind === 'lmdb' && existsSync(store.path) ? openStore(store) : undefined;
}

async function test(
  config: Config,
  target: Target,
  store: Store | undefined,
  { timeout }: PushTestOptions,
  print: Print,
): Promise<ExitCode> {
  const apns = apnsOptions(config.push);
  for (const [index, environment] of target.environments.entries()) {
    const endpoint = apns.endpoints?.[environment] ?? defaultEndpoints[environment];
    print(`${environment}: ${endpoint.host}:${endpoint.port}`);
    const { ca, proxy } = apns;
    const way = {
      clock: systemClock,
      endpoint,
      ...(ca === undefined ? {} : { ca }),
      ...(proxy ? { proxy } : {}),
      patience: timeout,
    };
    for await (const { step, ok, ms, text, advice } of reach(way)) {
      print(`  ${step.padEnd(6)}${ok ? 'ok' : 'FAILED'}, ${ms} ms: ${text}`);
      if (ok) continue;
      print(`  What to do: ${advice}`);
      return 1;
    }
    const { outcome, notes } = await pushOnce(config, apns, target, environment, store, timeout);
    for (const line of outcomeInWords(outcome, target)) print(`  ${line}`);
    for (const note of notes) print(`  ${note}`);
    const wrong = outcome.kind === 'refused' && outcome.token === 'wrong-environment';
    if (!wrong || index + 1 === target.environments.length) {
      if (outcome.kind === 'accepted' && index > 0) print(`  The token belongs to ${environment}.`);
      return outcome.kind === 'accepted' ? 0 : 1;
    }
  }
  return 1;
}

async function pushOnce(
  config: Config,
  apns: Omit<ApnsProviderOptions, 'clock'>,
  { token, topic, teamId, device }: Target,
  environment: PushEnvironment,
  store: Store | undefined,
  timeout: number,
): Promise<{ readonly outcome: PushOutcome; readonly notes: readonly string[] }> {
  const notes: string[] = [];
  const provider = new ApnsProvider({
    ...apns,
    clock: systemClock,
    ...(store ? { sharedTokens: storeTokens(store) } : {}),
    onAlarm: ({ name, text }) => {
      if (name === 'PushNotificationServiceClockSkew') notes.push(text);
    },
  });
  const voip = topic.endsWith('.voip');
  const now = Date.now();
  const to = recipientOf(config.push, topic.replace(/\.voip$/, ''), device ?? {});
  const call = { callUuid: randomUUID(), callerName: 'callwake push-test', calledNumber: '', video: false, trunk: '' };
  try {
    const outcome = await provider.push({
      ref: { deviceId: device?.id ?? 'push-test' },
      kind: voip ? 'voip' : 'alert',
      token,
      topic,
      teamId,
      environment,
      payload: voip
        ? voipPayload({ ...call, expiresAt: now + timeout, privacy: false }, to)
        : alertOf({ kind: 'message', id: call.callUuid, senderName: 'callwake', text: 'push-test', at: now }).payload(
            to,
          ),
      deadline: now + timeout * 2,
    });
    return { outcome, notes };
  } finally {
    await provider.close();
  }
}

function outcomeInWords(outcome: PushOutcome, { topic, teamId }: Target): readonly string[] {
  if (outcome.kind === 'withdrawn') return ['push  withdrawn'];
  if (outcome.kind === 'accepted') {
    const { answerMs, apnsId } = outcome;
    return [
      `push  ok, ${Math.round(answerMs)} ms: Apple took it (200, apns-id ${apnsId}) and hands it to the phone if it can be reached`,
      '  What to do: nothing. If the phone shows nothing: is it online, does the app register for this topic, does it report a call for each VoIP push? iOS holds back the pushes of an app that does not.',
    ];
  }
  const { reason } = outcome;
  const said = outcome.kind === 'refused' && outcome.status > 0 ? `${outcome.status} ${reason}` : reason;
  const { meaning = '', advice = '' } = reasonInWords(reason) ?? {};
  return [
    `push  FAILED: ${said}`,
    `What it means: ${meaning || "This reason is in none of Apple's lists."}${reason === 'NoAccount' ? ` (team ${teamId}, topic ${topic})` : ''}`,
    `What to do: ${advice || 'Look it up at Apple\'s "Handling notification responses from APNs".'}`,
  ];
}

async function targetOf(config: Config, options: PushTestOptions, store: Store | undefined): Promise<Target> {
  const { device, token, environment } = options;
  if ((device === undefined) === (token === undefined)) throw new CliError('Give --device or --token.', 2);
  if (token !== undefined) return tokenTarget(config, token, options);
  const found = await findDevice(device ?? '', options.alert ? 'alert' : 'voip', config, store);
  const kind = options.alert ? 'alert' : 'voip';
  const held = found.tokens.find((known) => known.kind === kind);
  if (held === undefined) {
    const other = found.tokens.length === 0 ? 'It has no push token at all' : `It has one for ${found.tokens[0]?.kind}`;
    throw new CliError(`The device ${found.id} of ${found.aor} has no token for ${kind} pushes. ${other}.`, 1);
  }
  const { teamId, bundleId } = held;
  return {
    token: held.token,
    topic: kind === 'voip' ? `${bundleId}.voip` : bundleId,
    teamId,
    environments: environmentsOf(config, teamId, environment ?? held.environment),
    device: found,
  };
}

function tokenTarget(config: Config, token: string, { topic, team, environment }: PushTestOptions): Target {
  if (!/^([0-9a-f]{2})+$/i.test(token)) {
    throw new CliError(
      'The token is not hexadecimal: give the bytes that the phone got from Apple as pairs of hex digits, without blanks or brackets. ' +
        'Base64 and the text that `description` gives are something else.',
      2,
    );
  }
  if (topic === undefined || !/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(topic)) {
    throw new CliError(
      'Give --topic: the bundle id with .voip for a PushKit token (com.example.phone.voip), without for a token for alerts.',
      2,
    );
  }
  const teams = [...new Set(config.push.accounts.map(({ teamId }) => teamId))];
  const teamId = team ?? (teams.length === 1 ? teams[0] : undefined);
  if (teamId === undefined) throw new CliError(`Give --team: one of ${teams.join(', ')}.`, 2);
  return { token, topic, teamId, environments: environmentsOf(config, teamId, environment) };
}

function environmentsOf(config: Config, teamId: string, known?: PushEnvironment): readonly PushEnvironment[] {
  const configured = config.push.accounts.find((account) => account.teamId === teamId)?.environment ?? 'auto';
  if (known) return [known];
  return configured === 'auto' ? ['production', 'sandbox'] : [configured];
}

async function findDevice(
  name: string,
  kind: 'voip' | 'alert',
  { store: { kind: storeKind, path } }: Config,
  store: Store | undefined,
): Promise<Device> {
  if (store === undefined) {
    const why = storeKind === 'memory' ? 'store.kind is memory' : `there is nothing in ${path}`;
    throw new CliError(`Devices can't be looked up: ${why}. Give --token and --topic instead.`, 2);
  }
  const devices = name.includes(':') ? await store.devicesOf(name) : await devicesNamed(name, store);
  const device = devices.find(({ tokens }) => tokens.some((token) => token.kind === kind)) ?? devices[0];
  if (device === undefined) {
    throw new CliError(`No device ${name} is known: it must have registered, or been entered, once.`, 1);
  }
  return device;
}

async function devicesNamed(id: string, store: Store): Promise<readonly Device[]> {
  const found: Device[] = [];
  for await (const [, devices] of store.eachAor()) found.push(...devices.filter((device) => device.id === id));
  return found;
}
