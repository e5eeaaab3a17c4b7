/**
 * The SDP answer that declines every stream of an offer (RFC 3264 section 6: port zero). For a 2xx that nobody wants any more: an offer in it
 * needs its answer in the ACK (RFC 3261 section 13.2.2.4), although a BYE follows. Empty for what is no SDP.
 */
export function declined(offer: string): string {
  const lines = offer.split(/\r?\n/);
  if (lines[0] !== 'v=0') return '';
  const address = lines.find((line) => line.startsWith('c=') || line.startsWith('o='))?.includes(' IP6 ')
    ? 'IP6 ::1'
    : 'IP4 127.0.0.1';
  const times = lines.filter((line) => line.startsWith('t='));
  const streams = lines.flatMap((line) => {
    const [, media, rest] = /^m=(\S+) \d+(?:\/\d+)?( .+)$/.exec(line) ?? [];
    return media === undefined ? [] : [`m=${media} 0${rest}`];
  });
  return ['v=0', `o=- 0 0 IN ${address}`, 's=-', `c=IN ${address}`, ...times, ...streams, ''].join('\r\n');
}
