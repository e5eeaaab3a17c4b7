import { type Element, xml } from '@xmpp/component';
import { silentLogger } from '../../../src/log/logger.js';
import type { Notification, Notifier, NotifyOutcome } from '../../../src/messages/notification.js';
import { PushNodes } from '../../../src/messages/xmpp/nodes.js';
import { PushService, type PushServiceSettings } from '../../../src/messages/xmpp/push-service.js';
import { FakeClock } from '../../support/fake-clock.js';

export const DOMAIN = 'push.corp.example';
export const TARGET = { aor: 'sip:2001@corp.example', deviceId: 'phone-1' };
export const NS_PUSH = 'urn:xmpp:push:0';
export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub';

/** A push service whose notifier says what it is told to say. */
export class World {
  readonly clock = new FakeClock();
  readonly nodes = new PushNodes('secret');
  readonly told: Notification[] = [];
  readonly service: PushService;
  /** What the notifier says; undefined: it knows no such device. */
  outcome: NotifyOutcome | 'fault' | undefined = 'pushed';
  /** Lets notifications wait. */
  gate: Promise<void> = Promise.resolve();

  constructor(settings: Partial<PushServiceSettings> = {}) {
    const notifier: Notifier = {
      notify: async (notification) => {
        this.told.push(notification);
        await this.gate;
        if (this.outcome === 'fault') throw new Error('the store failed');
        return this.outcome === undefined ? [] : [{ device: TARGET.deviceId, outcome: this.outcome, reason: '' }];
      },
    };
    this.service = new PushService({
      settings: {
        domain: DOMAIN,
        servers: ['corp.example'],
        alertFor: 'text',
        badge: false,
        maxPerSecond: 100,
        maxPending: 10,
        ...settings,
      },
      nodes: this.nodes,
      notifier,
      clock: this.clock,
      log: silentLogger,
    });
  }

  /** The answer to a publish request: its type, and the condition and type of its error. */
  async publish(parts: PublishParts = {}): Promise<string> {
    return outcomeOf(await this.service.handle(publishIq(this.nodes, parts)));
  }
}

export interface PublishParts {
  readonly from?: string;
  readonly node?: string;
  readonly secret?: string | null;
  readonly summary?: Readonly<Record<string, string>> | null;
}

/** A publish request as servers send it (XEP-0357 section 7). */
export function publishIq(nodes: PushNodes, parts: PublishParts): Element {
  const own = nodes.nodeOf(TARGET);
  const {
    from = 'corp.example',
    node = own.node,
    secret = own.secret,
    summary = { 'last-message-body': 'hi' },
  } = parts;
  const notification = xml(
    'notification',
    { xmlns: NS_PUSH },
    ...(summary ? [form('urn:xmpp:push:summary', summary)] : []),
  );
  const options = secret === null ? [] : [xml('publish-options', {}, form(`${NS_PUBSUB}#publish-options`, { secret }))];
  const publish = xml('publish', { node }, xml('item', {}, notification));
  return xml(
    'iq',
    { type: 'set', id: 'n1', from, to: DOMAIN },
    xml('pubsub', { xmlns: NS_PUBSUB }, publish, ...options),
  );
}

export function form(type: string, fields: Readonly<Record<string, string>>): Element {
  const field = (name: string, value: string): Element => xml('field', { var: name }, xml('value', {}, value));
  const all = Object.entries(fields).map(([name, value]) => field(name, value));
  return xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, field('FORM_TYPE', type), ...all);
}

/** `result`, or `error wait resource-constraint`; the empty string for no answer. */
export function outcomeOf(answer: Element | undefined): string {
  if (answer === undefined) return '';
  const error = answer.getChild('error');
  if (error === undefined) return answer.attrs.type ?? '';
  return `error ${error.attrs.type} ${error.getChildElements()[0]?.name}`;
}
