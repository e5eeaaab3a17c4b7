import { type Element, xml } from '@xmpp/component';
import { boundedParser } from '../../src/messages/xmpp/bounded-parser.js';
import type { Random } from '../../src/sim/random.js';
import { DOMAIN, form, NS_PUBSUB, NS_PUSH, publishIq, World } from '../messages/xmpp/support.js';
import { mutate } from './mutate.js';
import { type Finding, NASTY, type Subject } from './subject.js';

const STREAM = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>";
const BOUNDS = { maxStanza: 20_000, maxDepth: 32 };
const TOKENS = [
  '<',
  '>',
  '&',
  '&#0;',
  '&#xD800;',
  '&lol;',
  ']]>',
  '<!--',
  '<![CDATA[',
  '<?xml ',
  '<!DOCTYPE a [',
  "'",
  '"',
];

/** A stream from the XMPP server: stanzas with odd contents, cut anywhere, through parser and push service. */
export class XmppSubject implements Subject {
  readonly #world = new World({ maxPerSecond: 1e6, maxPending: 1000 });

  async feed(random: Random): Promise<Finding | undefined> {
    const input = STREAM + Array.from({ length: 1 + random.below(3) }, () => stanza(random, this.#world)).join('');
    try {
      const { elements, errors } = parsed(random, input);
      if (errors > 1) return { text: `${errors} errors of one stream`, input };
      for (const element of elements) {
        const answer = await this.#world.service.handle(element);
        // What answers must be XML again, whatever it repeats of what came.
        if (answer !== undefined && parsed(undefined, STREAM + answer.toString()).elements.length !== 1) {
          return { text: `an answer that is no stanza: ${answer}`, input };
        }
        if (answer?.getChild('error')?.getChild('internal-server-error') !== undefined) {
          return { text: `internal-server-error: ${answer}`, input };
        }
      }
      return undefined;
    } catch (error) {
      return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), input };
    } finally {
      this.#world.told.length = 0;
    }
  }

  async close(): Promise<void> {}
}

/** What an XMPP server that means harm sends to a component: so many stanzas with odd contents, and one that has no end. */
export function hostileStanzas(random: Random, count: number): string {
  const odd = Array.from({ length: count }, () => wellFormed(oddStanza(random, () => random.pick(NASTY)).toString()));
  return `${odd.join('')}<iq>${'<a>'.repeat(1000)}`;
}

function parsed(random: Random | undefined, text: string): { elements: Element[]; errors: number } {
  const parser = new (boundedParser(BOUNDS))();
  const elements: Element[] = [];
  let errors = 0;
  parser.on('element', (element: Element) => elements.push(element));
  parser.on('error', () => errors++);
  for (let at = 0; at < text.length; ) {
    const length = random === undefined ? text.length : 1 + random.below(text.length);
    parser.write(text.slice(at, at + length));
    at += length;
  }
  return { elements, errors };
}

function stanza(random: Random, world: World): string {
  const value = () => (random.chance(0.5) ? random.pick(NASTY) : random.word(random.below(20)));
  const made = random.chance(0.6)
    ? publishIq(world.nodes, {
        ...(random.chance(0.2) ? { from: value() } : {}),
        ...(random.chance(0.2) ? { node: value() } : {}),
        ...(random.chance(0.2) ? { secret: value() } : {}),
        summary: Object.fromEntries(
          ['message-count', 'last-message-sender', 'last-message-body', 'pending-subscription-count', value()].map(
            (name) => [name, value()],
          ),
        ),
      })
    : oddStanza(random, value);
  const text = wellFormed(made.toString());
  if (random.chance(0.4)) return text;
  if (random.chance(0.5)) return mutate(random, Buffer.from(text), Buffer.from(STREAM)).toString('utf8');
  const at = random.below(text.length);
  return text.slice(0, at) + random.pick(TOKENS) + text.slice(at);
}

function oddStanza(random: Random, value: () => string): Element {
  const nested = (depth: number): Element =>
    xml(
      random.pick(['x', 'field', 'value', 'query', 'pubsub', 'publish', 'item', 'notification']),
      { xmlns: random.pick([NS_PUBSUB, NS_PUSH, 'jabber:x:data', value()]), var: value(), node: value() },
      ...(depth > 0 ? Array.from({ length: random.below(3) }, () => nested(depth - 1)) : [value()]),
    );
  return xml(
    random.pick(['iq', 'message', 'presence', 'error', 'a']),
    {
      type: random.pick(['get', 'set', 'result', 'error', value()]),
      from: random.pick(['corp.example', 'user@corp.example/x', value()]),
      to: random.pick([DOMAIN, value()]),
      id: value(),
    },
    random.chance(0.3) ? form(value(), { [value()]: value() }) : nested(random.below(40)),
  );
}

/** Lone surrogates can't be sent as UTF-8. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
