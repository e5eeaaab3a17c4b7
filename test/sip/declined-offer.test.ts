import test from 'ava';
import { declined } from '../../src/sip/declined-offer.js';

test('an offer is answered stream by stream with port zero, formats and order kept (RFC 3264 section 6)', (t) => {
  const offer = [
    'v=0',
    'o=phone 1 1 IN IP4 192.0.2.1',
    's=call',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    'm=audio 4000 RTP/AVP 0 101',
    'a=rtpmap:101 telephone-event/8000',
    'm=video 4002/2 RTP/AVP 97',
    'a=sendrecv',
    '',
  ].join('\r\n');
  const lines = declined(offer).split('\r\n');
  t.deepEqual(
    lines.filter((line) => /^[mt]=/.test(line)),
    ['t=0 0', 'm=audio 0 RTP/AVP 0 101', 'm=video 0 RTP/AVP 97'],
  );
  t.regex(declined(offer), /^v=0\r\no=\S+ \d+ \d+ IN IP4 \S+\r\ns=-\r\nc=IN IP4 \S+\r\n/);
});

test('what is no SDP is not answered', (t) => {
  for (const body of ['', 'hello', '--boundary']) t.is(declined(body), '');
});
