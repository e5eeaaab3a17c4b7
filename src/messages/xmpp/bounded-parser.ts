import { type Element, xml } from '@xmpp/component';

const NS_STREAM = 'http://etherx.jabber.org/streams';

export interface StanzaBounds {
  /** Characters of one stanza, as they come over the wire. */
  readonly maxStanza: number;
  /** Elements inside each other. */
  readonly maxDepth: number;
}

/** The XML parser of a stream from a server, which takes nothing that is too long or too deep and never throws. */
export function boundedParser({ maxStanza, maxDepth }: StanzaBounds): typeof xml.Parser {
  return class extends xml.Parser {
    #depth = 0;
    #length = 0;
    #over = false;

    override write(data: string): void {
      if (this.#over) return;
      this.#length += data.length;
      try {
        super.write(data);
      } catch (error) {
        this.#end(error instanceof Error ? error : new Error(String(error)));
      }
      if (this.#length > maxStanza) this.#end(new Error(`a stanza is longer than ${maxStanza} characters`));
    }

    override onStartElement(name: string, attrs: Record<string, string>): void {
      if (this.#over) return;
      this.#depth++;
      if (this.#depth <= maxDepth) super.onStartElement(name, attrs);
      else this.#end(new Error(`a stanza is deeper than ${maxDepth} elements`));
    }

    override onEndElement(name: string): void {
      if (this.#over) return;
      this.#depth--;
      super.onEndElement(name);
    }

    /** What servers send between stanzas keeps the connection alive and means nothing. */
    override onText(text: string): void {
      if (this.#over || this.#depth <= 1) {
        this.#length = 0;
        return;
      }
      super.onText(text);
    }

    override emit(event: string, ...told: unknown[]): boolean {
      if (this.#over) return false;
      if (event === 'error') this.#over = true;
      if (event === 'element') {
        this.#length = 0;
        if (isRedirect(told[0] as Element)) {
          this.#end(new Error('the server sends us elsewhere (see-other-host)'));
          return true;
        }
      }
      const heard = super.emit(event, ...told);
      if (event === 'end') this.#over = true;
      return heard;
    }

    /** Nothing is parsed any more: a stream with such a stanza can't be gone on with. */
    #end(error: Error): void {
      if (this.#over) return;
      this.emit('error', error);
    }
  };
}

function isRedirect(element: Element): boolean {
  return element.is('error', NS_STREAM) && element.getChild('see-other-host') !== undefined;
}
