/**
 * What devices have in common in their stored form (LZ4 over MessagePack): a record that repeats parts of it takes a third of the room.
 * Part of the layout of the database: a store can't be read with another one, so it changes only with a new schema version.
 */
export function deviceDictionary(): Buffer {
  const time = '\xcbBz\x1e\xe5e\xe0\x00\x00';
  const token = (kind: string): string =>
    `${text(kind)}\xd9@\xaaABCDE12345\xb5com.example.softphone${time}${text('register')}`;
  const parts = [
    record(
      'D',
      'id aor instance platform userAgent deviceName bindings tokens encryptionKey encryptionKeyId word activeAt seenAt',
    ),
    record('C', 'state at'),
    text('foreground'),
    text('background'),
    record('E', 'reason at'),
    text('no answer to INVITE'),
    record('B', 'uri contact path mode registeredAt expiresAt callId cseq q source regId formerUris pnsreg'),
    text('rewrite'),
    text('direct'),
    'tls/',
    'tcp/',
    ';transport=tls>',
    ';transport=tcp>;reg-id=1',
    ';pn-provider=apns;pn-prid=',
    ';pn-param=',
    text('sandbox'),
    text('production'),
    record('B', 'kind token teamId bundleId environment refusedIn seenAt origin'),
    record('B', 'kind token teamId bundleId environment seenAt origin'),
    text('api'),
    text('ipad'),
    `\x91${record('@', 'id aor instance platform userAgent bindings tokens activeAt seenAt')}\xd9$`,
    `\xb3sip:2001@\xd9$${text('iphone')}\xae (iPhone)`,
    `\x91${record('A', 'uri contact path mode registeredAt expiresAt callId cseq q source')}\xd9#sip:2001@10.0.0.1:5060;transport=udp\xda\x01\x1b<sip:2001@`,
    '10.0.0.1:5060;transport=udp;pn-provider=apns;pn-param=ABCDE12345.com.example.softphone.voip&remote;pn-prid=',
    ':voip&:remote>;+sip.instance="<urn:uuid:>"\x91\xbc<sip:edge@10.0.0.1:5060;lr>',
    `${text('path')}${time}${time}\xac@edge\x01\x01\xb2udp/10.0.0.1:5060`,
    `\x92${record('B', 'kind token teamId bundleId seenAt origin')}${token('voip')}B${token('alert')}${time}${time}`,
  ];
  const all = parts.join('');
  return Buffer.from(all.padStart(Math.ceil(all.length / 8) * 8), 'latin1');
}

/** A short string in MessagePack. */
function text(value: string): string {
  return String.fromCharCode(0xa0 + value.length) + value;
}

/** The names of a record, as msgpackr writes them ahead of the first one's values. */
function record(id: string, names: string): string {
  const all = names.split(' ');
  return `\xd4r${id}${String.fromCharCode(0x90 + all.length)}${all.map(text).join('')}`;
}
