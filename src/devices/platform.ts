import type { Platform } from './types.js';

/** What a REGISTER says about the hardware. */
export interface PlatformHints {
  /** Value of the configured Contact parameter. */
  readonly stated?: string | undefined;
  /** `+u.sip!devicename.ccm.cisco.com` */
  readonly deviceName?: string | undefined;
  /** `+u.sip!model.ccm.cisco.com` */
  readonly model?: string | undefined;
  readonly userAgent?: string | undefined;
  /** It named a VoIP token of Apple's. */
  readonly appleVoip: boolean;
}

/** Cisco's model numbers and device name prefixes of its softphones. */
const CISCO_MODELS: ReadonlyMap<string, 'iphone' | 'tablet' | 'other'> = new Map([
  ['562', 'iphone'],
  ['652', 'tablet'],
  ['575', 'other'],
  ['503', 'other'],
]);
const CISCO_NAMES: ReadonlyMap<string, 'iphone' | 'tablet' | 'other'> = new Map([
  ['TCT', 'iphone'],
  ['TAB', 'tablet'],
  ['BOT', 'other'],
  ['CSF', 'other'],
  ['SEP', 'other'],
]);

/**
 * The platform of a phone. What it states itself wins, then Cisco's model and device name, then User-Agent. A phone that
 * says nothing of its hardware but has a VoIP token of Apple's is taken for an iPhone: nothing else gets one.
 */
export function platformOf(hints: PlatformHints): Platform {
  const stated = hints.stated?.toLowerCase();
  if (stated === 'iphone' || stated === 'ipad' || stated === 'other') return stated;
  const agent = (hints.userAgent ?? '').slice(0, 256).toLowerCase();
  const cisco =
    CISCO_MODELS.get(hints.model ?? '') ??
    CISCO_NAMES.get((hints.deviceName ?? '').slice(0, 3).toUpperCase()) ??
    ciscoAgent(agent);
  if (cisco === 'tablet') return agent.includes('android') ? 'other' : 'ipad';
  if (cisco !== undefined) return cisco;
  if (agent.includes('ipad')) return 'ipad';
  if (agent.includes('iphone')) return 'iphone';
  if (/android|windows|macos|mac os|linux/.test(agent)) return 'other';
  if (/(^|[^a-z])(ios|linphoneios)([^a-z]|$)/.test(agent)) return 'iphone';
  return hints.appleVoip ? 'iphone' : 'other';
}

/** `Cisco-TCT/12.9.1` and its like. */
function ciscoAgent(agent: string): 'iphone' | 'tablet' | 'other' | undefined {
  const match = /^cisco-(tct|tab|bot|csf)/.exec(agent);
  return match?.[1] === undefined ? undefined : CISCO_NAMES.get(match[1].toUpperCase());
}
