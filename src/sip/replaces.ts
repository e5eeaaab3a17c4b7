import { formatNameAddr, parseNameAddr } from '../grammar/name-addr.js';

/** A dialog as a Replaces header names it: `toTag` is that of the side that is to match it (RFC 3891 section 3). */
export interface DialogName {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
}

/** Reads a Replaces header value. Undefined when it names no dialog. */
export function parseReplaces(value: string): (DialogName & { readonly rest: string }) | undefined {
  const [callId = '', ...params] = value.split(';').map((part) => part.trim());
  let toTag: string | undefined;
  let fromTag: string | undefined;
  const rest: string[] = [];
  for (const param of params) {
    const [name = '', text = ''] = param.split('=', 2);
    if (/^to-tag$/i.test(name.trim())) toTag = text.trim();
    else if (/^from-tag$/i.test(name.trim())) fromTag = text.trim();
    else rest.push(`;${param}`);
  }
  return callId === '' || !toTag || !fromTag ? undefined : { callId, toTag, fromTag, rest: rest.join('') };
}

/** The header value; `rest` is what else stood there (`;early-only`). */
export function formatReplaces({ callId, toTag, fromTag }: DialogName, rest = ''): string {
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${rest}`;
}

/** What a Refer-To says: whom to call, and with which URI headers. */
interface ReferTo {
  readonly uri: string;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * A Refer-To value with its Replaces, if it has one, changed by `translate`, which also may give another URI (RFC 3515, RFC 3891 section 4).
 * As it came when there is nothing to change, or when it can't be read.
 */
export function translateReferTo(
  value: string,
  translate: (name: DialogName, uri: string) => { readonly name: DialogName; readonly uri: string } | undefined,
): string {
  try {
    const address = parseNameAddr(value);
    const { uri, headers } = split(address.uri);
    const given = headers.find(([name]) => /^replaces$/i.test(name));
    const old = given === undefined ? undefined : parseReplaces(decodeURIComponent(given[1]));
    const translated = old === undefined ? undefined : translate(old, uri);
    if (old === undefined || translated === undefined) return value;
    const replaced = formatReplaces(translated.name, old.rest);
    const text = headers.map((header) =>
      header === given ? `${header[0]}=${encodeURIComponent(replaced)}` : header.join('='),
    );
    return formatNameAddr({ ...address, uri: `${translated.uri}?${text.join('&')}` });
  } catch {
    return value;
  }
}

function split(uri: string): ReferTo {
  const question = uri.indexOf('?');
  if (question < 0) return { uri, headers: [] };
  const headers = uri
    .slice(question + 1)
    .split('&')
    .map((header) => {
      const equals = header.indexOf('=');
      return equals < 0 ? ([header, ''] as const) : ([header.slice(0, equals), header.slice(equals + 1)] as const);
    });
  return { uri: uri.slice(0, question), headers };
}
