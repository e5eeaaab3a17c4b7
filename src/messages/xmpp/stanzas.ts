import { type Element, xml } from '@xmpp/component';

const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** The error type of each condition that callwake answers with (RFC 6120 section 8.3.3). Servers come again after `wait` only. */
const TYPES = {
  'bad-request': 'modify',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  'item-not-found': 'cancel',
  'not-authorized': 'auth',
  'recipient-unavailable': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
} as const;

export type Condition = keyof typeof TYPES;

/** A request that is answered with an error. */
export class StanzaRefused extends Error {
  constructor(
    readonly condition: Condition,
    text: string,
  ) {
    super(text);
    this.name = 'StanzaRefused';
  }
}

export function refusal(condition: Condition, text: string): StanzaRefused {
  return new StanzaRefused(condition, text);
}

/** The answer to an IQ that was done. */
export function resultOf(iq: Element, payload?: Element): Element {
  return reply(iq, 'result', ...(payload === undefined ? [] : [payload]));
}

/** The answer to an IQ that was not done. What was asked is not sent back with it. */
export function errorOf(iq: Element, { condition, message }: StanzaRefused): Element {
  return reply(
    iq,
    'error',
    xml(
      'error',
      { type: TYPES[condition] },
      xml(condition, { xmlns: NS_STANZAS }),
      xml('text', { xmlns: NS_STANZAS, 'xml:lang': 'en' }, message),
    ),
  );
}

function reply({ attrs }: Element, type: 'result' | 'error', ...children: Element[]): Element {
  return xml('iq', { type, id: attrs.id, from: attrs.to, to: attrs.from }, ...children);
}
