// The SIP text of the phones and their edge: as little parsing as a measurement can do with.

/** What a response needs of a request. */
export function parse(text) {
  const message = { first: '', via: [], recordRoute: [], route: [], from: '', to: '', callId: '', cseq: '', sent: '' };
  const end = text.indexOf('\r\n\r\n');
  const lines = (end < 0 ? text : text.slice(0, end)).split('\r\n');
  message.first = lines[0];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i];
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).trimEnd().toLowerCase()) {
      case 'via':
      case 'v':
        message.via.push(value);
        break;
      case 'record-route':
        message.recordRoute.push(value);
        break;
      case 'route':
        message.route.push(value);
        break;
      case 'from':
      case 'f':
        message.from = value;
        break;
      case 'to':
      case 't':
        message.to = value;
        break;
      case 'call-id':
      case 'i':
        message.callId = value;
        break;
      case 'cseq':
        message.cseq = value;
        break;
      case 'x-bench-sent':
        message.sent = value;
        break;
    }
  }
  return message;
}

/** A response of phone `n` behind `edge`; `own`: with Record-Route and Contact, as those that make a dialog. */
export function response(request, status, phrase, { n, edge, own = false, body = '' }) {
  const tagged = request.to.includes(';tag=') ? request.to : `${request.to};tag=d${n}`;
  return [
    `SIP/2.0 ${status} ${phrase}`,
    ...request.via.map((via) => `Via: ${via}`),
    ...(own
      ? [`Record-Route: <sip:edge@${edge};lr>`, ...request.recordRoute.map((route) => `Record-Route: ${route}`)]
      : []),
    `From: ${request.from}`,
    `To: ${tagged}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq}`,
    ...(own ? [`Contact: <sip:d${n}@127.0.0.2:5999>`] : []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

export const tokenOf = (n) => `b5${n.toString(16).padStart(62, '0')}`;
export const phoneOf = (token) => Number.parseInt(token.slice(50), 16);

/** REGISTER `cseq` of phone `n`, with its push token (RFC 8599), through an edge that adds itself to Path. */
export function register(n, cseq, expires, { edge, domain }) {
  const instance = `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
  const push = `pn-provider=apns;pn-param=TEAM123456.com.example.softphone.voip;pn-prid=${tokenOf(n)}`;
  return [
    `REGISTER sip:${domain} SIP/2.0`,
    `Via: SIP/2.0/UDP ${edge};branch=z9hG4bKr${n}x${cseq};rport`,
    'Max-Forwards: 69',
    `Path: <sip:edge@${edge};lr>`,
    `From: <sip:d${n}@${domain}>;tag=r${n}`,
    `To: <sip:d${n}@${domain}>`,
    `Call-ID: reg-${n}@edge`,
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:d${n}@127.0.0.2:5999;transport=udp;${push}>;+sip.instance="<urn:uuid:${instance}>"`,
    `Expires: ${expires}`,
    'Supported: path',
    'User-Agent: bench-softphone/1.0 (iPhone)',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
