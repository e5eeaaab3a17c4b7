import { createHash } from 'node:crypto';
import { type Element, xml } from '@xmpp/component';
import type { Clock } from '../../clock/clock.js';
import type { Logger } from '../../log/logger.js';
import type { MessageNotification, Notifier, NotifyResult } from '../notification.js';
import { type Jid, parseJid } from './jid.js';
import type { NodeTarget, PushNodes } from './nodes.js';
import { NS_PUBSUB, NS_PUSH, type PushSummary, readPublish } from './publish.js';
import { errorOf, refusal, resultOf, StanzaRefused } from './stanzas.js';
import { TokenBucket } from './token-bucket.js';

const NS_DISCO = 'http://jabber.org/protocol/disco';
const NS_PING = 'urn:xmpp:ping';

/** How long a server waits for its answer; ejabberd itself gives up after 32 s. */
const PATIENCE = 20_000;

export interface PushServiceSettings {
  /** The component's own domain. */
  readonly domain: string;
  /** Domains whose servers may publish, lower case. */
  readonly servers: readonly string[];
  /** What becomes an alert: `text`, notifications with a body (or a contact request); `sender`, those with a sender too; `all`. */
  readonly alertFor: 'text' | 'sender' | 'all';
  /** The server's message count goes to the app's icon. */
  readonly badge: boolean;
  /** Requests a second; beyond, servers are told to wait. */
  readonly maxPerSecond: number;
  /** Requests under way at once. */
  readonly maxPending: number;
}

export interface PushServiceOptions {
  readonly settings: PushServiceSettings;
  readonly nodes: PushNodes;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The push service of XEP-0357: takes what servers publish for devices that went to sleep, and answers when it is told to the device. */
export class PushService {
  readonly #options: PushServiceOptions;
  readonly #own: TokenBucket;
  readonly #strangers: TokenBucket;
  #pending = 0;

  constructor(options: PushServiceOptions) {
    this.#options = options;
    const { maxPerSecond } = options.settings;
    this.#own = new TokenBucket(options.clock, maxPerSecond);
    this.#strangers = new TokenBucket(options.clock, Math.max(1, maxPerSecond / 10));
  }

  /** The answer to a stanza; undefined where none is due. Never rejects. */
  async handle(stanza: Element): Promise<Element | undefined> {
    if (stanza.name !== 'iq') return undefined;
    const { type, id, from, to } = stanza.attrs;
    if ((type !== 'get' && type !== 'set') || !id || from === undefined) return undefined;
    const sender = parseJid(from);
    if (sender === undefined) return undefined;
    try {
      if (to?.toLowerCase() !== this.#options.settings.domain) throw refusal('service-unavailable', 'nobody is here');
      return resultOf(stanza, await this.#answer(stanza, type, sender));
    } catch (error) {
      const refused = error instanceof StanzaRefused ? error : this.#fault(error);
      if (type === 'set' && refused.condition !== 'resource-constraint') {
        this.#options.log.warn('xmpp request refused', { from, condition: refused.condition, why: refused.message });
      }
      return errorOf(stanza, refused);
    }
  }

  async #answer(iq: Element, type: 'get' | 'set', from: Jid): Promise<Element | undefined> {
    const known = this.#options.settings.servers.includes(from.domain);
    if (!(known ? this.#own : this.#strangers).take()) throw refusal('resource-constraint', 'too many requests');
    const [payload, ...more] = iq.getChildElements();
    if (payload === undefined || more.length > 0) throw refusal('bad-request', 'exactly one element is needed');
    if (type === 'get') return discover(payload);
    if (!payload.is('pubsub', NS_PUBSUB)) throw refusal('service-unavailable', 'only publishing is possible here');
    if (!known || from.resource !== undefined)
      throw refusal('forbidden', 'only the servers of its domains publish here');
    await this.#publish(payload, iq.attrs.id ?? '', from);
    return undefined;
  }

  async #publish(pubsub: Element, id: string, from: Jid): Promise<void> {
    const { nodes, settings, log } = this.#options;
    const { node, secret, summary } = readPublish(pubsub);
    const target = nodes.read(node);
    if (target === undefined) throw refusal('item-not-found', 'there is no such node');
    if (secret === undefined || !nodes.isSecretOf(node, secret)) {
      throw refusal('not-authorized', secret === undefined ? 'publish-options without secret' : 'the secret is wrong');
    }
    if (!isWorthAnAlert(summary, settings.alertFor)) {
      log.debug('xmpp notification', { ...target, from: from.bare, outcome: 'nothing to read' });
      return;
    }
    const result = await this.#tell(notificationOf(summary, target, id, from, settings.badge));
    log.info('xmpp notification', { ...target, from: from.bare, outcome: result?.outcome ?? 'unknown device' });
    if (result === undefined) throw refusal('item-not-found', 'the device is not registered any more');
    if (result.outcome === 'unreachable')
      throw refusal('item-not-found', 'the device has no token for alerts any more');
    if (result.outcome === 'failed') throw refusal('recipient-unavailable', "Apple's push service did not take it");
  }

  async #tell(notification: MessageNotification): Promise<NotifyResult | undefined> {
    const { notifier, settings } = this.#options;
    if (this.#pending >= settings.maxPending) throw refusal('resource-constraint', 'too many requests under way');
    this.#pending++;
    try {
      const [result] = await notifier.notify(notification, { patience: PATIENCE });
      return result;
    } finally {
      this.#pending--;
    }
  }

  /** What goes wrong inside is nothing that a server should end a node for. */
  #fault(error: unknown): StanzaRefused {
    this.#options.log.error('fault', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return refusal('recipient-unavailable', 'it could not be done now');
  }
}

/** @throws {StanzaRefused} */
function discover(query: Element): Element | undefined {
  if (query.is('ping', NS_PING)) return undefined;
  const what = query.is('query', `${NS_DISCO}#info`) ? 'info' : query.is('query', `${NS_DISCO}#items`) ? 'items' : '';
  if (what === '') throw refusal('service-unavailable', 'that is not offered here');
  if (query.attrs.node) throw refusal('item-not-found', 'there is no such node');
  if (what === 'items') return xml('query', { xmlns: `${NS_DISCO}#items` });
  return xml(
    'query',
    { xmlns: `${NS_DISCO}#info` },
    xml('identity', { category: 'pubsub', type: 'push', name: 'callwake' }),
    ...[`${NS_DISCO}#info`, `${NS_DISCO}#items`, NS_PUBSUB, `${NS_PUBSUB}#publish`, `${NS_PUBSUB}#publish-options`]
      .concat(NS_PUSH, NS_PING)
      .map((feature) => xml('feature', { var: feature })),
  );
}

function isWorthAnAlert(summary: PushSummary, alertFor: PushServiceSettings['alertFor']): boolean {
  if (alertFor === 'all' || summary.body !== undefined || (summary.pendingSubscriptions ?? 0) > 0) return true;
  return alertFor === 'sender' && summary.sender !== undefined;
}

function notificationOf(
  summary: PushSummary,
  { aor, deviceId }: NodeTarget,
  id: string,
  from: Jid,
  badge: boolean,
): MessageNotification {
  const sender = summary.sender === undefined ? undefined : parseJid(summary.sender)?.bare;
  const text = summary.body ?? requestsOf(summary);
  return {
    kind: 'message',
    id: createHash('sha256').update(`${from.bare}\n${id}`).digest('base64url').slice(0, 32),
    aor,
    deviceId,
    sender: sender === undefined ? {} : { address: sender },
    ...(text === undefined ? {} : { text }),
    // Without a sender all of a server's alerts read the same: the later one takes the earlier one's place.
    conversation: `xmpp:${sender ?? from.domain}`,
    ...(badge && summary.messageCount !== undefined ? { badge: summary.messageCount } : {}),
  };
}

function requestsOf({ pendingSubscriptions = 0 }: PushSummary): string | undefined {
  if (pendingSubscriptions === 0) return undefined;
  return pendingSubscriptions === 1 ? '1 contact request' : `${pendingSubscriptions} contact requests`;
}
