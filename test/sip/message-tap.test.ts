import test from 'ava';
import { endpointsOf, tappedMessage } from '../../src/sip/message-tap.js';

const LISTENING = 'udp/192.0.2.1:5060,tls/192.0.2.1:5061';
const head = (kind: string, meta: string) => `u|${kind}|${meta}|10:11:12.131415|txn|Msg sent:|\r\n`;

function ends(frame: string) {
  const message = tappedMessage(frame);
  return message && endpointsOf(message, LISTENING);
}

test('a request that is sent goes to its first Route, or else its Request-URI: the engine names its own side', (t) => {
  const sent = head('response', 'id|OK|application|400|udp|192.0.2.1|5060');
  const own = { address: '192.0.2.1', port: 5060 };
  const routed =
    'INVITE sip:2001@10.0.0.9:40000 SIP/2.0\r\nRoute: <sip:x@192.0.2.20:5070;lr>,<sip:192.0.2.30;lr>\r\n\r\n';
  t.like(ends(sent + routed), { protocol: 'udp', from: own, to: { address: '192.0.2.20', port: 5070 } });
  t.like(ends(`${sent}BYE sip:2001@[2001:db8::9] SIP/2.0\r\n\r\n`), { to: { address: '2001:db8::9', port: 5060 } });
  const secure = head('response', 'id|OK|application|400|tls|192.0.2.1|5061');
  t.like(ends(`${secure}BYE sips:2001@10.0.0.9 SIP/2.0\r\n\r\n`), { to: { address: '10.0.0.9', port: 5061 } });
  t.like(ends(`${sent}BYE nonsense SIP/2.0\r\n\r\n`), { to: { address: '0.0.0.0', port: 0 } });
});

test('responses that are sent, and all that comes in, are between the engine and the peer that it names', (t) => {
  const peer = { address: '192.0.2.10', port: 5080 };
  const own = { address: '192.0.2.1', port: 5060 };
  const response = `${head('response', 'id|OK|application|90|udp|192.0.2.10|5080')}SIP/2.0 180 Ringing\r\n\r\n`;
  t.like(ends(response), { from: own, to: peer });
  const request = `${head('sip', 'network|90|udp|192.0.2.10|5080')}INVITE sip:2001@192.0.2.1 SIP/2.0\r\n\r\n`;
  t.like(ends(request), { from: peer, to: own });
  t.is(tappedMessage('u|response|id|NOK|no'), undefined);
});
