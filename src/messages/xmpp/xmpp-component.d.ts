/** The part of @xmpp/component (XEP-0114) that callwake uses; the package brings no types. */
declare module '@xmpp/component' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  /** An XML element. */
  export interface Element {
    /** With its prefix, if it has one. */
    readonly name: string;
    readonly attrs: Readonly<Record<string, string | undefined>>;
    readonly parent: Element | null;
    readonly children: readonly (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getNS(): string | undefined;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildElements(): Element[];
    getText(): string;
    toString(): string;
  }

  /** Events: `start` and `end` of the stream, `element` for each of its children, `error`. */
  export class Parser extends EventEmitter {
    protected root: Element | null;
    protected cursor: Element | null;
    onStartElement(name: string, attrs: Record<string, string>): void;
    onEndElement(name: string): void;
    onText(text: string): void;
    write(data: string): void;
  }

  type Attributes = Readonly<Record<string, string | number | undefined>>;

  interface Xml {
    (name: string, attrs?: Attributes, ...children: (Element | string | readonly Element[])[]): Element;
    readonly Parser: typeof Parser;
  }

  export const xml: Xml;

  export interface Entity extends EventEmitter {
    Parser: typeof Parser;
    readonly socket: Socket | null;
    readonly reconnect: { stop(): void };
    /** Settles when the server has taken the handshake. */
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
  }

  export function component(options: {
    /** `xmpp://host:port` */
    readonly service: string;
    readonly domain: string;
    readonly password: string;
  }): Entity;
}
