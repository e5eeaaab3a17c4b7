import type { Params } from '../grammar/params.js';
import type { PushEnvironment } from '../push/provider.js';
import { RegisterError } from './errors.js';
import type { DeviceSettings } from './settings.js';
import type { PushToken } from './types.js';

/** What a Contact says about push (RFC 8599 section 8 and 14, and what came before it). */
export type PushClaim =
  /** No push parameters: plain SIP (P10). */
  | { readonly kind: 'none' }
  /** pn-provider without pn-prid: asks what is supported (P18); an empty provider asks for all (P20). */
  | { readonly kind: 'query'; readonly provider: string }
  /** Another push service, or one parameter of this one is missing (P12). */
  | { readonly kind: 'unsupported'; readonly provider: string; readonly why: string }
  | { readonly kind: 'tokens'; readonly provider: string; readonly tokens: readonly ClaimedToken[] };

/** A token as the phone names it. */
export type ClaimedToken = Pick<PushToken, 'kind' | 'token' | 'teamId' | 'bundleId' | 'environment'>;

/** Longest pn-prid; Apple says not to assume a length for one token, 100 bytes is what it hands out at most today. */
const MAX_PRID = 1024;
const MAX_PARAM = 512;
const TOKEN = /^[0-9a-f]{8,512}$/;
const TEAM = /^[A-Za-z0-9]{1,32}$/;
const BUNDLE = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const KINDS: ReadonlyMap<string, PushToken['kind']> = new Map([
  ['voip', 'voip'],
  ['remote', 'alert'],
  ['alert', 'alert'],
]);

/**
 * Reads the push parameters of a Contact URI: RFC 8599's `pn-provider`, `pn-param`, `pn-prid`, with two tokens in one
 * pn-prid (`…:voip&…:remote`), or the older `pn-tok`/`pn-voip-tok`/`pn-im-tok` with `app-id`.
 * @throws RegisterError 400 when they are there but malformed or too long.
 */
export function readPushClaim(params: Params, legacyTeamId = ''): PushClaim {
  const provider = params.get('pn-provider');
  if (provider === undefined) return readLegacy(params, legacyTeamId);
  const name = provider.toLowerCase();
  if (name === '') return { kind: 'query', provider: '' };
  const prid = params.get('pn-prid');
  if (prid === undefined) return { kind: 'query', provider: name };
  if (prid.length > MAX_PRID) throw new RegisterError(400, 'pn-prid too long');
  if (name !== 'apns' && name !== 'apns.dev') {
    return { kind: 'unsupported', provider: name, why: 'push service not supported' };
  }
  const param = params.get('pn-param');
  if (param === undefined || param === '') return { kind: 'unsupported', provider: 'apns', why: 'pn-param missing' };
  const environment = name === 'apns.dev' ? 'sandbox' : undefined;
  return { kind: 'tokens', provider: 'apns', tokens: readTokens(unescapeParam(prid), readPnParam(param), environment) };
}

/** What `pn-param` holds (RFC 8599 section 10, P39). */
interface PnParam {
  readonly teamId: string;
  readonly bundleId: string;
  /** In the order they are named; `alert` alone when the topic names none. */
  readonly kinds: readonly PushToken['kind'][];
}

/** `TEAM.bundle.id.service`: the first dot ends the team, the last one begins the service; `voip&remote` names two. */
function readPnParam(text: string): PnParam {
  if (text.length > MAX_PARAM) throw new RegisterError(400, 'pn-param too long');
  const value = unescapeParam(text);
  const first = value.indexOf('.');
  const last = value.lastIndexOf('.');
  const teamId = first > 0 ? value.slice(0, first) : '';
  const services = value
    .slice(last + 1)
    .toLowerCase()
    .split('&')
    .map((service) => KINDS.get(service));
  const kinds = services.filter((kind) => kind !== undefined);
  const named = kinds.length > 0 && kinds.length === services.length && last > first;
  const bundleId = value.slice(first + 1, named ? last : undefined);
  if (!TEAM.test(teamId) || bundleId.length > 155 || !BUNDLE.test(bundleId)) {
    throw new RegisterError(400, 'pn-param is not TeamID.BundleID.service');
  }
  return { teamId, bundleId, kinds: named ? kinds : ['alert'] };
}

function readTokens(prid: string, param: PnParam, environment?: PushEnvironment): readonly ClaimedToken[] {
  const tokens = new Map<string, ClaimedToken>();
  const parts = prid.split('&');
  parts.forEach((part, index) => {
    const colon = part.lastIndexOf(':');
    const service = colon < 0 ? undefined : part.slice(colon + 1).toLowerCase();
    const kind = service === undefined ? param.kinds[Math.min(index, param.kinds.length - 1)] : KINDS.get(service);
    if (kind === undefined) throw new RegisterError(400, 'pn-prid names an unknown service');
    if (tokens.has(kind)) throw new RegisterError(400, 'pn-prid names a service twice');
    tokens.set(kind, claim(colon < 0 ? part : part.slice(0, colon), kind, param.teamId, param.bundleId, environment));
  });
  return [...tokens.values()];
}

/** `pn-tok` with `app-id=bundle.voip.prod` (Linphone), or `pn-voip-tok` and `pn-im-tok` with `app-id=bundle` (mod_apn). */
function readLegacy(params: Params, teamId: string): PushClaim {
  const single = params.get('pn-tok');
  const voip = params.get('pn-voip-tok');
  const message = params.get('pn-im-tok');
  if (single === undefined && voip === undefined && message === undefined) return { kind: 'none' };
  const platform = (params.get('pn-type') ?? params.get('pn-platform') ?? 'apple').toLowerCase();
  if (platform !== 'apple' && platform !== 'ios') {
    return { kind: 'unsupported', provider: platform, why: 'push service not supported' };
  }
  const appId = params.get('app-id') ?? '';
  if (appId === '') return { kind: 'unsupported', provider: 'apns', why: 'app-id missing' };
  const { bundleId, kind, environment } = readAppId(unescapeParam(appId));
  const tokens: ClaimedToken[] = [];
  if (single !== undefined) tokens.push(claim(single, kind, teamId, bundleId, environment));
  if (voip !== undefined && (single === undefined || kind !== 'voip')) {
    tokens.push(claim(voip, 'voip', teamId, bundleId, environment));
  }
  if (message !== undefined && (single === undefined || kind !== 'alert')) {
    tokens.push(claim(message, 'alert', teamId, bundleId, environment));
  }
  return { kind: 'tokens', provider: 'apns', tokens };
}

/** `org.example.phone.voip.prod`: what it is for and where it is from are the last labels, both optional. */
function readAppId(text: string): { bundleId: string; kind: PushToken['kind']; environment?: PushEnvironment } {
  let labels = text.length > MAX_PARAM ? [] : text.split('.');
  const last = labels.at(-1);
  const environment = last === 'prod' ? 'production' : last === 'dev' ? 'sandbox' : undefined;
  if (environment !== undefined) labels = labels.slice(0, -1);
  const voip = labels.at(-1) === 'voip';
  if (voip) labels = labels.slice(0, -1);
  const bundleId = labels.join('.');
  if (bundleId.length > 155 || !BUNDLE.test(bundleId)) throw new RegisterError(400, 'app-id is not a bundle id');
  return { bundleId, kind: voip ? 'voip' : 'alert', ...(environment && { environment }) };
}

/**
 * Checks a token that came by another way than a REGISTER.
 * @throws RegisterError 400 that names the part that can't be.
 */
export function checkClaim({ token, kind, teamId, bundleId, environment }: ClaimedToken): void {
  if (kind !== 'voip' && kind !== 'alert') throw new RegisterError(400, 'Kind is voip or alert');
  if (!TEAM.test(teamId)) throw new RegisterError(400, 'Team id is 1 to 32 letters and digits');
  if (bundleId.length > 155 || !BUNDLE.test(bundleId)) throw new RegisterError(400, 'Bundle id is not one of Apple’s');
  if (environment !== undefined && environment !== 'production' && environment !== 'sandbox') {
    throw new RegisterError(400, 'Environment is production or sandbox');
  }
  claim(token, kind, teamId, bundleId, environment);
}

/** Whether callwake may push to the app that a token is for. */
export function isServed({ teamId, bundleId }: ClaimedToken, { apps }: Pick<DeviceSettings, 'apps'>): boolean {
  if (apps === undefined) return true;
  return apps.some((app) => app.teamId === teamId && (app.bundleIds.length === 0 || app.bundleIds.includes(bundleId)));
}

function claim(
  text: string,
  kind: PushToken['kind'],
  teamId: string,
  bundleId: string,
  environment: PushEnvironment | undefined,
): ClaimedToken {
  const token = text.toLowerCase();
  if (token.length > MAX_PRID || !TOKEN.test(token)) {
    throw new RegisterError(400, 'Device token is not hexadecimal, 8 to 512 digits');
  }
  return environment === undefined ? { kind, token, teamId, bundleId } : { kind, token, teamId, bundleId, environment };
}

/** URI parameter values may carry `%XX` (RFC 3261 25.1). */
function unescapeParam(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RegisterError(400, 'Bad escape in a push parameter');
  }
}

/** Whether a Contact URI parameter is about push: never stored with the URI, never sent to anyone but the phone (P37). */
export function isPushParam(name: string): boolean {
  return /^(?:pn-|app-id$)/i.test(name);
}
