const NAMES =
  'Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID ' +
  'Call-Info Cisco-Guid Contact Content-Disposition Content-Encoding Content-ID Content-Language Content-Length Content-Type ' +
  'CSeq Date Diversion Encryption Error-Info Event Expires Feature-Caps Flow-Timer From Geolocation History-Info Identity ' +
  'In-Reply-To Join Max-Breadth Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info ' +
  'P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Vector P-Preferred-Identity Path Priority Privacy ' +
  'Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info Refer-Sub Refer-To Referred-By ' +
  'Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require Retry-After Route RSeq Security-Client ' +
  'Security-Server Security-Verify Server Service-Route Session-Expires Session-ID SIP-ETag SIP-If-Match Subject ' +
  'Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent User-to-User Via Warning WWW-Authenticate';

const COMPACT: readonly (readonly [string, string])[] = [
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
];

/** A header name in its usual spelling and as the key that names are compared by (lower case, compact forms expanded). */
export interface HeaderName {
  readonly name: string;
  readonly key: string;
}

const KNOWN = new Map<string, HeaderName>();
for (const name of NAMES.split(' ')) {
  const entry: HeaderName = { name, key: name.toLowerCase() };
  KNOWN.set(name, entry);
  KNOWN.set(entry.key, entry);
}
for (const [short, long] of COMPACT) {
  const entry = KNOWN.get(long);
  if (!entry) continue;
  KNOWN.set(short, entry);
  KNOWN.set(short.toUpperCase(), entry);
}

/** The entry of a name that this module knows (any case, compact or not), else undefined. */
export function knownHeader(name: string): HeaderName | undefined {
  return KNOWN.get(name) ?? KNOWN.get(name.toLowerCase());
}

/** The usual spellings by length and first character: nearly all names in messages are found among one to three. */
const SPELLINGS: (HeaderName[] | undefined)[] = [];
for (const name of NAMES.split(' ')) {
  const entry = KNOWN.get(name);
  const at = spellingsAt(name.length, name.charCodeAt(0));
  if (entry) SPELLINGS[at] = [...(SPELLINGS[at] ?? []), entry];
}

function spellingsAt(length: number, first: number): number {
  return length * 128 + (first & 127);
}

/** The same for a part of a text, without cutting a name out when it is in its usual spelling. */
export function knownHeaderIn(text: string, start: number, end: number): HeaderName | undefined {
  const spellings = SPELLINGS[spellingsAt(end - start, text.charCodeAt(start))];
  if (spellings !== undefined) {
    for (const entry of spellings) if (text.startsWith(entry.name, start)) return entry;
  }
  return knownHeader(text.slice(start, end));
}

/** The usual spelling: `v` and `VIA` give `Via`; unknown names come back as they are. */
export function canonicalName(name: string): string {
  return knownHeader(name)?.name ?? name;
}

/** The text that header names are compared by: lower case, compact forms expanded. */
export function headerKey(name: string): string {
  return KNOWN.get(name)?.key ?? knownHeader(name)?.key ?? name.toLowerCase();
}
