import type { Element } from '@xmpp/component';
import { refusal } from './stanzas.js';

export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub';
export const NS_PUSH = 'urn:xmpp:push:0';
const NS_FORM = 'jabber:x:data';
const FORM_SUMMARY = 'urn:xmpp:push:summary';
const FORM_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options';

/** What a server tells of the messages that wait (XEP-0357 section 10.3). */
export interface PushSummary {
  readonly messageCount?: number;
  readonly pendingSubscriptions?: number;
  /** A JID, as the server gave it. */
  readonly sender?: string;
  readonly body?: string;
}

/** A publish request to a push service (XEP-0357 section 7). */
export interface PublishRequest {
  readonly node: string;
  readonly secret?: string;
  readonly summary: PushSummary;
}

const MAX_FIELDS = 64;
const MAX_TEXT = 4096;

/**
 * Takes a `<pubsub/>` element apart.
 * @throws {StanzaRefused} when it is no publish request for a push service
 */
export function readPublish(pubsub: Element): PublishRequest {
  const publish = pubsub.getChild('publish', NS_PUBSUB);
  if (publish === undefined) throw refusal('feature-not-implemented', 'only publishing is possible here');
  const { node } = publish.attrs;
  if (!node) throw refusal('bad-request', 'publish without node');
  const items = publish.getChildren('item', NS_PUBSUB);
  const [item] = items;
  if (item === undefined || items.length > 1) throw refusal('bad-request', 'exactly one item is needed');
  const notification = item.getChild('notification', NS_PUSH);
  if (notification === undefined) throw refusal('bad-request', `the item has no notification of ${NS_PUSH}`);
  const options = pubsub.getChild('publish-options', NS_PUBSUB);
  const secret = options === undefined ? undefined : formOf(options, FORM_OPTIONS)?.get('secret');
  return {
    node,
    ...(secret === undefined ? {} : { secret }),
    summary: readSummary(formOf(notification, FORM_SUMMARY)),
  };
}

function readSummary(form: ReadonlyMap<string, string> | undefined): PushSummary {
  const messageCount = countOf(form?.get('message-count'));
  const pendingSubscriptions = countOf(form?.get('pending-subscription-count'));
  const sender = textOf(form?.get('last-message-sender'));
  const body = textOf(form?.get('last-message-body'));
  return {
    ...(messageCount === undefined ? {} : { messageCount }),
    ...(pendingSubscriptions === undefined ? {} : { pendingSubscriptions }),
    ...(sender === undefined ? {} : { sender }),
    ...(body === undefined ? {} : { body }),
  };
}

/** The fields of the form of that type (XEP-0004, XEP-0068), the first value of each. */
function formOf(parent: Element, type: string): ReadonlyMap<string, string> | undefined {
  for (const form of parent.getChildren('x', NS_FORM)) {
    const fields = new Map<string, string>();
    for (const field of form.getChildren('field', NS_FORM).slice(0, MAX_FIELDS)) {
      const name = field.attrs.var;
      const value = field.getChild('value', NS_FORM);
      if (name !== undefined && value !== undefined && !fields.has(name)) fields.set(name, value.getText());
    }
    if (fields.get('FORM_TYPE') === type) return fields;
  }
  return undefined;
}

function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

function textOf(text: string | undefined): string | undefined {
  const short = text?.slice(0, MAX_TEXT).trim();
  return short ? short : undefined;
}
