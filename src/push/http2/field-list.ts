import type { DecodedField, FieldSink } from './hpack-decoder.js';

/** The header fields of an answer. */
export interface AnswerFields {
  /** The value of the first field of that name (lower case). */
  get(name: string): string | undefined;
}

/** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2): what is larger is not kept. */
export const MAX_FIELDS_SIZE = 32_768;
const FIELD_OVERHEAD = 32;

/** Fields that belong to HTTP/1.1's connections (RFC 9113 section 8.2.2). */
const FORBIDDEN = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** The fields of one block, and what is wrong with it. */
export class FieldList implements FieldSink, AnswerFields {
  readonly #fields: DecodedField[] = [];
  #size = 0;
  #regular = false;
  #flaw: string | undefined;
  /** Of `:status`; 0 without one. */
  status = 0;
  /** Of `content-length`; undefined without one. */
  length: number | undefined;

  /** What makes the message malformed (RFC 9113 section 8.1.1), in words. */
  get flaw(): string | undefined {
    return this.#flaw;
  }

  /** It is larger than {@link MAX_FIELDS_SIZE}. */
  get isTooLarge(): boolean {
    return this.#size > MAX_FIELDS_SIZE;
  }

  get(name: string): string | undefined {
    for (const field of this.#fields) if (field.name === name) return field.value;
    return undefined;
  }

  take(field: DecodedField): void {
    const { name, value } = field;
    this.#size += name.length + value.length + FIELD_OVERHEAD;
    if (this.isTooLarge || this.#flaw !== undefined) return;
    if (field.flaw !== undefined) this.#flaw = `a field with a forbidden ${field.flaw}`;
    else if (name.startsWith(':')) this.#takePseudo(name, value);
    else {
      this.#regular = true;
      if (FORBIDDEN.has(name)) this.#flaw = `a field ${name}`;
      else if (name === 'content-length') this.#takeLength(value);
      this.#fields.push(field);
    }
  }

  #takePseudo(name: string, value: string): void {
    if (this.#regular) this.#flaw = 'a pseudo-header field after others';
    else if (name !== ':status') this.#flaw = 'a pseudo-header field that no answer has';
    else if (this.status !== 0) this.#flaw = ':status twice';
    else if (!/^[1-9]\d\d$/.test(value)) this.#flaw = ':status is no status';
    else this.status = Number(value);
  }

  #takeLength(value: string): void {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isNaN(length) || (this.length !== undefined && this.length !== length)) {
      this.#flaw = 'content-length is no length';
    } else this.length = length;
  }
}
