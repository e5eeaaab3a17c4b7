import { hostname } from 'node:os';
import { Admission } from './calls/admission.js';
import { Alerter } from './calls/alerter.js';
import { Calls } from './calls/calls.js';
import { Journal } from './calls/journal.js';
import { OutboundCalls } from './calls/outbound.js';
import { Refresher } from './calls/refresher.js';
import { Talking } from './calls/talking.js';
import { TokenPush } from './calls/token-push.js';
import { Waker } from './calls/waker.js';
import { type Clock, systemClock } from './clock/clock.js';
import type { Config } from './config/schema.js';
import { Provisioning } from './devices/provisioning.js';
import { openPurrKey } from './devices/purr-key.js';
import { devicesNamedBy, isRefusedForGood } from './devices/refused.js';
import { DeviceRegistry } from './devices/registry.js';
import { openDeviceLookup } from './devices/search/open.js';
import { DEFAULT_SETTINGS } from './devices/settings.js';
import { StoredUsers } from './devices/stored-users.js';
import { type EngineEndpoint, EngineRefused } from './engine-endpoint.js';
import { Networks } from './grammar/networks.js';
import type { Logger, LogLevel } from './log/logger.js';
import { RecentLog } from './log/recent.js';
import { openGuard, type RefusedRequest } from './open-guard.js';
import { openMessages } from './open-messages.js';
import { openMidDialog } from './open-mid-dialog.js';
import { openOperations } from './open-operations.js';
import { openPeers } from './open-peers.js';
import { openPush, recipientOf, servedApps } from './open-push.js';
import { awayWords, callsToOthers, flowKey, journalWord, nodeAddress, openSite } from './open-site.js';
import { openXmppOf } from './open-xmpp.js';
import { pushAlarmsTo, storeAlarm, trunkAlarm } from './ops/alarms/sources.js';
import { certificateFilesOf } from './ops/certificates.js';
import { forgetUser } from './ops/forget-user.js';
import { Idempotency } from './ops/http/idempotency.js';
import { openApi } from './ops/http/open.js';
import { Lifecycle } from './ops/lifecycle.js';
import { ServerCertificates } from './ops/server-certificates.js';
import { Later } from './ops/timeline/later.js';
import { openTracing } from './ops/tracing/open.js';
import { Watch } from './ops/watch.js';
import type { PushProvider } from './push/provider.js';
import { Dialogs } from './sip/dialogs.js';
import { Drachtio } from './sip/drachtio.js';
import { Gatekeeper } from './sip/gatekeeper.js';
import { inviteHandler } from './sip/invite.js';
import { Joints } from './sip/joints.js';
import { listenerFor, listensAt } from './sip/listeners.js';
import { messageHandler } from './sip/message.js';
import { endpointsOf, type TappedMessage } from './sip/message-tap.js';
import { notifyHandler } from './sip/notify.js';
import { registerHandler } from './sip/register.js';
import { accessTo, realmOf, registrarOf } from './sip/registrar.js';
import { dispatcher, optionsHandler } from './sip/requests.js';
import { Takeover } from './sip/takeover.js';
import { trunksOf } from './sip/trunks.js';
import { inRedis } from './store/redis/in-redis.js';
import { type Store, StoreAway } from './store/store.js';
import { TrunkPolicies } from './trunk-policies.js';

export { type EngineEndpoint, EngineRefused };

export interface AppOptions {
  readonly config: Config;
  readonly engine: EngineEndpoint;
  readonly store: Store;
  readonly log: Logger;
  /** Whose level operators may change while it runs. */
  readonly logging?: { level: LogLevel };
  /** What operators may read of the log. */
  readonly recentLog?: RecentLog;
  readonly clock?: Clock;
  /** In place of the one that the configuration names. */
  readonly push?: PushProvider;
  /** callwake's own, for operators. */
  readonly version?: string;
}

/** A started callwake, connected to its engine or trying to be. */
export interface App {
  /** Settles once the engine has taken the secret, with what it listens on; rejects with {@link EngineRefused} if it has not. */
  readonly connected: Promise<string>;
  /** Takes no new calls and settles when the held ones have ended. */
  drain(): Promise<void>;
  /**
   * Takes what may change while it runs from a configuration that was read again: the push keys, key and certificate of the API.
   * @throws {Error} when a key can't be used
   */
  reload(config: Config): void;
  /** The process of another node has ended: seen by whoever started both, so that nobody has to wait until its silence tells. */
  nodeEnded(node: string, pid: number): void;
  /** Ends what is left, lets pushes under way finish, closes the store. */
  close(): Promise<void>;
}

/** How many calls may be held or ringing at once; beyond, 503 with Retry-After. */
const MAX_HELD = 10_000;

/** How long the engine may take to tell how it does, in milliseconds. */
const ENGINE_PATIENCE = 1_000;

/** Puts the parts together; the only place that knows them all. */
export function startApp(options: AppOptions): App {
  const { config, engine, store, log } = options;
  const clock = options.clock ?? systemClock;
  const fault = (error: unknown, callUuid?: string): void => {
    // Nobody's fault here: readiness and an alarm tell of it.
    if (error instanceof StoreAway) log.warn('store away', { callUuid, why: error.message });
    else log.error('fault', { callUuid, error: describe(error) });
  };

  const { purrKeyFile, cleartextNetworks, ...deviceSettings } = config.devices;
  const settings = {
    ...DEFAULT_SETTINGS,
    ...deviceSettings,
    cleartextNetworks: new Networks(cleartextNetworks),
    ...(purrKeyFile === undefined ? {} : { purrKey: openPurrKey(purrKeyFile) }),
    ...(config.push.provider === 'apns' && { apps: servedApps(config.push) }),
  };
  const devices = new DeviceRegistry({ store, clock, settings, log, isAwaited: (device) => calls.awaits(device) });
  devices.start().catch(fault);
  const lookup = openDeviceLookup({ store, registry: devices, clock, onFault: fault });
  const node = hostname();
  const watch = new Watch({ config, clock, log, store, node });
  watch.start().catch(fault);
  const version = options.version ?? 'unknown';
  const tracing = openTracing({ config: config.tracing, node, version, log });
  watch.onCallEvent(tracing.record);
  const { alarms } = watch;
  const redis = inRedis(store);
  const guarding = openGuard(config, { clock, log, alarms, redis });
  const { guard, refused: noteRefused } = guarding;
  const unwatchStore = redis && storeAlarm(alarms, clock, 'Redis', redis.link);
  const onCertificate = watch.certificates.shownBy.bind(watch.certificates);
  const { provider: push, reload: reloadPush } = options.push
    ? { provider: options.push, reload: () => {} }
    : openPush(config.push, { clock, log, store, onAlarm: pushAlarmsTo(alarms), onCertificate });
  const pushes = new TokenPush({
    provider: push,
    clock,
    platforms: settings.pushPlatforms,
    environmentOf: (teamId) => config.push.accounts.find((account) => account.teamId === teamId)?.environment ?? 'auto',
    recipientOf: (device, { bundleId }) => recipientOf(config.push, bundleId, device),
    mayPush: (device) => guard.devicePush(device),
    onOutcome: (ended) => watch.pushes.tell(ended),
    onVerdict: (device, { token }, { token: verdict, ...told }) =>
      devices.tokenVerdict(device.aor, device.id, { ...told, token, verdict }).catch(fault),
  });
  const later = new Later((event) => watch.call(event), fault);
  const { sink } = later;
  const engineRun = engine.run ?? `${engine.host}:${engine.port}`;
  const site =
    redis &&
    openSite({
      store: redis,
      clock,
      log,
      engine: engineRun,
      version: options.version ?? 'unknown',
      devices,
      onFault: fault,
      later: () => ({ calls, journal, takeover, messages }),
    });
  const where = (): string => journalWord(config.store.kind, redis);
  const journal: Journal = new Journal(site ?? store, engineRun, fault, where, later.after);
  const policies = new TrunkPolicies(config);
  const admission = new Admission(
    (trunk) => policies.trunk(trunk),
    (trunk, limit) => watch.limits.refused(trunk, `${limit} ${policies.trunk(trunk)[limit]}`),
  );
  const alerter = new Alerter({
    settings: config.alerts,
    pushes,
    clock,
    sink,
    silenceOf: (aor) => silenceOf(aor),
  });
  const waker = new Waker(
    pushes,
    (aor) => callsSilent(aor),
    (call) => guard.callPushRefusal(call),
  );
  const anyHourWaker = new Waker(pushes);
  const refresher = new Refresher({ pushes, clock, onEvent: (event) => log.info('refresh', { ...event }) });
  devices.onRefreshDue((due) => void refresher.refresh(due));
  const talking = new Talking();
  const calls: Calls = new Calls({
    clock,
    site,
    talking,
    devices,
    waker,
    journal,
    admission,
    alert: (missed) => alerter.tell(missed),
    maxHeld: MAX_HELD,
    maxHeldPerAor: config.limits.heldPerAor,
    onAorFull: (call) => guard.heldRefused(call),
    sink,
    nodeOf: (binding) => drachtio.flows.nodeOf(binding),
    onFault: fault,
  });
  const outbound = new OutboundCalls({ clock, sink, admission, journal, talking });

  const midDialog = openMidDialog({ config, clock, devices, waker: anyHourWaker, onFault: fault });

  const { trunkPeers, edges } = openPeers(config, log, watch.certificates.shown.bind(watch.certificates));

  let connectedTo = (_hostports: string): void => {};
  let refused = (_error: Error): void => {};
  const connected = new Promise<string>((resolve, reject) => {
    connectedTo = resolve;
    refused = reject;
  });
  let listening = '';
  let wayOf = (message: TappedMessage) => endpointsOf(message, listening);
  const engineName = `${engine.host}:${engine.port}`;
  const drachtio = new Drachtio({
    connected: (hostports, version) => {
      listening = hostports;
      wayOf = (message) => endpointsOf(message, hostports);
      alarms.clear('SIPEngineUnavailable', engineName);
      log.info('ready', { sip: hostports, engine: version, pid: process.pid });
      for (const trunk of trunks.values()) trunk.start();
      connectedTo(hostports);
      takeover.connected();
      servers.look();
      messages.connected();
      const address = config.cluster.address ?? nodeAddress(hostports);
      if (redis !== undefined && address !== undefined) {
        flowKey(redis).then((key) => {
          drachtio.flows.names = { address, key };
        }, fault);
      }
    },
    disconnected: (why) => {
      log.warn('engine connection lost', { why });
      alarms.raiseOwn('SIPEngineUnavailable', engineName, why);
    },
    refused: () => refused(new EngineRefused(engine)),
    ...(watch.messages && { message: ({ raw, meta }) => watch.sip({ text: raw, meta, wayOf }) }),
  });
  const { messages, mailbox, notifier, voicemail, preferences, silenceOf, callsSilent } = openMessages(
    config.messages,
    {
      clock,
      log,
      store,
      devices,
      pushes,
      drachtio,
      site,
      onFault: fault,
    },
  );
  messages.start();
  const xmpp = openXmppOf(config, { notifier, clock, log, alarms });
  const dialogs = new Dialogs();
  const joints = new Joints();
  const domains = config.domains.map((domain) => domain.toLowerCase());
  const trunks = trunksOf(config.trunks, clock, drachtio, log, (trunk, peers) => trunkAlarm(alarms, trunk, peers));
  const servers = new ServerCertificates({
    clock,
    figures: () => drachtio.figures(clock, ENGINE_PATIENCE),
    connected: () => [drachtio.certificate, ...(redis?.link.certificates ?? [])],
    onCertificate,
  });
  const operations = openOperations({
    node,
    version,
    config,
    clock,
    watch,
    guard,
    devices,
    mailbox,
    pushes,
    push,
    admission,
    trunks,
    drachtio,
    calls,
    outbound,
    joints,
    servers,
  });
  const users = new StoredUsers(store);
  const realm = realmOf(config);
  const granting = accessTo({ config, edges, clock, storedUsers: users, onUsersProblem: fault });
  const gatekeeper = new Gatekeeper({
    ...granting,
    guard,
    trunks: trunkPeers,
    onRefused: (method, request) => noteRefused('request refused', method, request),
  });
  const access = { ...granting, onWrong: gatekeeper.wrongCredentials.bind(gatekeeper) };
  const register = registerHandler({
    drachtio,
    registrar: registrarOf({
      config: config.registrar,
      drachtio,
      registry: devices,
      clock,
      domains,
      listener: (transport) => listenerFor(listening, transport),
    }),
    access,
    maxPending: config.registrar.maxPending,
    mayRegister: (req) => gatekeeper.mayRegister(req),
    domains,
    headers: settings,
    ...(xmpp && { headersFor: (registered) => xmpp.headersFor(registered) }),
    onRegistered: (registered) => {
      // First what somebody waits for.
      calls.registered(registered);
      site?.registered(registered);
      midDialog?.registered(registered);
      for (const device of registered) {
        messages.registered(device);
        voicemail.registered(device);
      }
      operations.wakeTests.registered(registered);
      for (const device of registered) {
        watch.deviceHistory.registered(device);
        if (!log.wants('info')) continue;
        const { aor, id, platform } = device;
        log.info('registered', { aor, device: id, platform, ...devices.stateOf(device) });
      }
    },
    onRefused: ({ request, ...refusal }) => {
      watch.registersRefused.tell(refusal.status);
      if (refusal.why === 'no credentials') log.debug('register challenged', refusal);
      else noteRefused('register refused', 'REGISTER', refusal);
      if (request === undefined || !isRefusedForGood(refusal.status)) return;
      devices.devicesOf(request.aor).then((known) => {
        for (const { id } of devicesNamedBy(request, known, settings)) {
          calls.registerRefused(request.aor, id, refusal.status);
          watch.deviceHistory.registerRefused(request.aor, id, refusal.status);
        }
      }, fault);
    },
    onFault: fault,
  });
  const failoverAfterOf = (trunk: string): number => policies.trunk(trunk).failoverAfter;
  const isOwnAddress = (host: string): boolean => listensAt(listening, host);
  const wire = {
    drachtio,
    dialogs,
    clock,
    trunks,
    failoverAfterOf,
    joints,
    isOwnAddress,
    ...(midDialog && { midDialog }),
  };
  const policyOf = policies.policyOf.bind(policies);
  const takeover: Takeover = new Takeover({ wire, calls, policyOf, onFault: fault });
  const invite = inviteHandler({
    takeover,
    wire,
    calls,
    outbound,
    trunks: trunkPeers,
    access,
    isOwnAddress,
    defaultTrunk: policies.defaultTrunk,
    domains,
    devicesOf: (aor) => devices.devicesOf(aor),
    ...(settings.purrKey === undefined ? {} : { purrKey: settings.purrKey }),
    policyOf,
    mayCallTrunk: (aor) => guard.outboundCall(aor),
    onRefused: (refusal) => noteRefused('call refused', 'INVITE', refusal),
    onFault: fault,
  });
  const targets = {
    domains,
    devicesOf: (aor: string) => devices.devicesOf(aor),
    ...(settings.purrKey === undefined ? {} : { purrKey: settings.purrKey }),
    trunks: trunkPeers,
    onFault: fault,
  };
  const { defaultTrunk } = policies;
  const onRefused = (method: string) => (refusal: RefusedRequest) => noteRefused('request refused', method, refusal);
  const message = messageHandler({
    ...targets,
    onRefused: onRefused('MESSAGE'),
    wire,
    messages,
    access,
    isOwnAddress,
    defaultTrunk,
  });
  const notify = notifyHandler({ ...targets, onRefused: onRefused('NOTIFY'), drachtio, voicemail });
  drachtio.serve(
    dispatcher(
      drachtio,
      dialogs,
      new Map([
        ['OPTIONS', optionsHandler(drachtio, (req) => gatekeeper.knows(req), onRefused('OPTIONS'))],
        ['REGISTER', register],
        ['INVITE', invite],
        ['MESSAGE', message],
        ['NOTIFY', notify],
      ]),
      fault,
      (req) => gatekeeper.refusalOf(req),
    ),
  );
  let closed = false;
  const lifecycle = new Lifecycle({
    intakes: [...(site ? [callsToOthers(site, drachtio)] : []), calls, outbound],
    waiting: () => calls.held + outbound.waiting,
    engine: drachtio,
    store,
    ...(redis && config.store.redis.whenAway === 'accept' && { withoutStore: () => awayWords(redis) }),
    logging: options.logging ?? { level: config.log.level },
  });
  const provisioning = new Provisioning({ registry: devices, store, users, domains, realm });
  const recentLog = options.recentLog ?? new RecentLog(0);
  const { endedTokens } = lookup;
  const forgettable = { provisioning, preferences, mailbox, voicemail, endedTokens, watch, guard, recentLog };
  const api = openApi({
    operations,
    control: lifecycle,
    readiness: lifecycle,
    recentLog,
    users,
    provisioning,
    forgetUser: (aor) => forgetUser(forgettable, aor),
    lookup,
    preferences,
    deadMessages: mailbox.dead,
    notifier,
    idempotency: new Idempotency({ store, clock }),
    domains,
    realm,
    config: config.api,
    clock,
    log,
  });
  journal
    .read()
    .then((records) => takeover.begin(records))
    .catch(fault)
    .finally(() => {
      const { host, port, secret, tls } = engine;
      if (closed) return;
      drachtio.connect({ host, port, secret, ...(tls && { tls }) });
      xmpp?.start();
    });

  return {
    connected,
    drain: () => lifecycle.drain(),
    reload(changed) {
      reloadPush(changed.push);
      api.reload(changed.api);
      watch.certificates.reload(certificateFilesOf(changed));
    },
    nodeEnded: (node, pid) => site?.ended(node, pid),
    async close() {
      closed = true;
      unwatchStore?.();
      await api.close();
      for (const trunk of trunks.values()) trunk.close();
      outbound.close();
      calls.close();
      messages.close();
      midDialog?.close();
      servers.close();
      drachtio.close();
      later.flush();
      await xmpp?.close();
      lookup.close();
      await devices.close();
      await site?.close();
      await push.close();
      guarding.close();
      await watch.close();
      await tracing.close();
      await store.close();
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
