import { stringify } from 'yaml';
import type { Admission } from './calls/admission.js';
import type { Calls } from './calls/calls.js';
import type { OutboundCalls } from './calls/outbound.js';
import { REASONS } from './calls/port.js';
import type { TokenPush } from './calls/token-push.js';
import type { Clock } from './clock/clock.js';
import { withoutSecrets } from './config/hide.js';
import type { Config } from './config/schema.js';
import type { DeviceRegistry } from './devices/registry.js';
import type { Guard } from './guard/guard.js';
import type { Mailbox } from './messages/mailbox.js';
import type { Operations } from './ops/operations.js';
import type { ServerCertificates } from './ops/server-certificates.js';
import { wakePushOver } from './ops/wake-test/push.js';
import { WakeTests } from './ops/wake-test/wake-test.js';
import type { Watch } from './ops/watch.js';
import type { PushProvider } from './push/provider.js';
import { DeviceProbe } from './sip/device-probe.js';
import type { Drachtio } from './sip/drachtio.js';
import type { Joints } from './sip/joints.js';
import type { Trunk } from './trunks/trunk.js';

export interface OperationsParts {
  /** This machine's name. */
  readonly node: string;
  readonly version: string;
  readonly config: Config;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly guard: Guard;
  readonly devices: DeviceRegistry;
  readonly mailbox: Pick<Mailbox, 'total' | 'dead'>;
  readonly pushes: TokenPush;
  readonly push: PushProvider;
  readonly admission: Admission;
  readonly trunks: ReadonlyMap<string, Trunk>;
  readonly drachtio: Drachtio;
  readonly calls: Calls;
  readonly outbound: OutboundCalls;
  readonly joints: Joints;
  readonly servers: ServerCertificates;
}

/** How long a phone may take to answer a request of a wake test, in milliseconds. */
const ANSWER_PATIENCE = 5_000;

/** Puts together what operators may look at and do. */
export function openOperations(parts: OperationsParts): Operations {
  const { config, clock, watch, mailbox, devices, pushes, push, admission, trunks, drachtio } = parts;
  const { calls, outbound, joints } = parts;
  const [domain = 'localhost'] = config.domains;
  const wakeTests = new WakeTests({
    clock,
    devices,
    push: wakePushOver(pushes),
    probe: new DeviceProbe({
      drachtio,
      clock,
      from: `sip:callwake@${domain}`,
      name: 'Wake test',
      patience: ANSWER_PATIENCE,
    }),
    onReport: (report) => watch.deviceHistory.wakeTest(report),
    modeOf: () => 'call',
    patience: config.trunks[0]?.hold ?? 13_000,
  });
  return {
    node: parts.node,
    version: parts.version,
    startedAt: clock.now(),
    recorder: watch.recorder,
    messagesOf: (call) => watch.messages?.of(call) ?? [],
    statistics: watch.statistics,
    alarms: watch.alarms,
    alarmHistory: watch.alarmHistory,
    changes: watch.changes,
    guard: parts.guard,
    wakeTests,
    deviceHistory: watch.deviceHistory,
    callControl: {
      end: (callUuid) =>
        [calls.clear(callUuid), outbound.clear(callUuid), joints.hangUp(callUuid, REASONS.hungUp)].includes(true),
      pushAgain: (callUuid, deviceId) => calls.pushAgain(callUuid, deviceId),
    },
    trunks: () => [...trunks.values()].map(({ name, status }) => ({ name, ...admission.loadOf(name), peers: status })),
    push: () => push.status(),
    queues: () => ({ ...watch.queues(), messages: mailbox.total, 'dead-messages': mailbox.dead.count }),
    certificates: () => watch.certificates.list,
    engine: () => parts.servers.engine(),
    onCallEvent: (listener) => watch.onCallEvent(listener),
    onRegistered: (listener) => void devices.onRegistered(listener),
    onRegisterRefused: (listener) => void watch.registersRefused.add(listener),
    onPush: (listener) => void watch.pushes.add(listener),
    configuration: () => stringify(withoutSecrets(config)),
  };
}
