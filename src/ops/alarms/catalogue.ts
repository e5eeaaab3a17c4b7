import { LASTING } from '../../push/apns/alarms.js';

/** As Cisco's alarm catalogues grade them: `alert` stops every call, `critical` many, `error` some, `warning` none yet. */
export type Severity = 'alert' | 'critical' | 'error' | 'warning';

/** What is told of an alarm of callwake's own, whatever it is about. */
export interface AlarmKind {
  readonly severity: Severity;
  /** What it means for calls. */
  readonly meaning: string;
  /** What the operator does about it. */
  readonly action: string;
}

/** The alarms that aren't about pushes; those have theirs in the reaction table of `src/push/apns`. SIPTrunk... are CUCM's names. */
export const ALARM_KINDS = {
  SIPTrunkOOS: {
    severity: 'critical',
    meaning: 'No peer of the trunk answers OPTIONS: calls of the phones get 503, fallback numbers are not reached.',
    action:
      "Look at the trunk's state in CUCM (Device, Trunk), at the CallManager service, and at what is between: name, port, transport, firewall.",
  },
  SIPTrunkPartiallyISV: {
    severity: 'warning',
    meaning: 'Some peers of the trunk do not answer OPTIONS; calls go to the others.',
    action: 'Look at the CUCM nodes that are named in the reason.',
  },
  SIPEngineUnavailable: {
    severity: 'alert',
    meaning: 'callwake has no connection to its SIP engine: no call and no REGISTER comes through.',
    action:
      'The embedded engine is started again by itself: look for "engine ended" in the log. An external drachtio-server: is it running, is its control port reachable?',
  },
  StoreUnavailable: {
    severity: 'critical',
    meaning:
      'Redis can not be reached. Calls and registrations of addresses in the cache go on, on this node alone; others get 503 or 500. With store.redis.whenAway: accept, registrations wait on this node.',
    action:
      'Is Redis running, has the fail-over of Sentinel or Cluster ended, are address, user, password and certificates right (see the reason), is it out of memory (OOM) or unable to write (MISCONF)? What waits is written by itself when it is back.',
  },
  XMPPServerUnavailable: {
    severity: 'error',
    meaning:
      'callwake is not connected to the XMPP server: instant messages to sleeping phones are not told; calls are not affected.',
    action:
      'Is the server running, is its port for components reachable, does it have a component of that domain with this secret? See xmpp in the configuration. callwake tries again by itself.',
  },
  CallLimitReached: {
    severity: 'error',
    meaning: 'More calls than the trunk may have: new ones get 503 with Retry-After.',
    action:
      'If the load is wanted, raise trunks[].maxHeld or maxActive; otherwise look for a loop or a flood of calls.',
  },
  AbuseBudgetReached: {
    severity: 'warning',
    meaning: 'Somebody asked for more than a budget of the configuration (limits) allows; what is beyond is refused.',
    action:
      'Look at GET /v1/refusals (callwake refusals) for who it is. If the load is wanted, raise that budget; otherwise stop its source.',
  },
  SIPSourcesBanned: {
    severity: 'warning',
    meaning: 'Addresses that failed to authenticate too often, or are scanners, are refused for a while.',
    action:
      'Is it a phone with an old password? Mend that and lift its ban (callwake unban). Otherwise keep the address out at the firewall.',
  },
  CertExpiresSoon: {
    severity: 'warning',
    meaning: 'A certificate is about to end; TLS with it fails from then on.',
    action:
      'Renew it: put the new file in the old one’s place and send SIGHUP. That of a trunk peer, an edge or another server is renewed there.',
  },
  CertExpired: {
    severity: 'critical',
    meaning: 'A certificate has ended: whoever checks it takes no new connection.',
    action: 'Put a new one in its place and send SIGHUP; connections that are open live on.',
  },
} as const satisfies Record<string, AlarmKind>;

/** The names of callwake's own alarms. */
export type OwnAlarmName = keyof typeof ALARM_KINDS;

/** The names of all alarms that last until they are cleared. */
export const ALARM_NAMES: readonly string[] = [...Object.keys(ALARM_KINDS), ...LASTING];
