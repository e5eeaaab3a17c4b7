import test from 'ava';
import { Flows } from '../../src/sip/flows.js';

const key = Buffer.alloc(32, 7);
const SOURCE = 'tcp/192.0.2.7:5060';

function node(address: string, secret = key): Flows {
  const flows = new Flows();
  flows.names = { address, key: secret };
  return flows;
}

const requestOver = (route: string) => [['Route', route]] as const;

test('another node of the site may send over a flow; who does not have the key, or changes a letter, may not', (t) => {
  const here = node('sip:192.0.2.1:5060;transport=tcp');
  const route = here.routeTo(SOURCE) ?? '';
  t.regex(route, /^<sip:[\w-]+\.[\w-]{22}@192\.0\.2\.1:5060;transport=tcp;lr>$/);
  t.true(here.isForFlow(requestOver(route)));
  t.false(node('sip:192.0.2.1:5060;transport=tcp', Buffer.alloc(32, 8)).isForFlow(requestOver(route)));
  t.false(here.isForFlow(requestOver(route.replace('<sip:', '<sip:A'))));
  for (const wrong of ['<sip:192.0.2.1;lr>', '<sip:a.b@192.0.2.1;lr>', 'garbage <', '']) {
    t.false(here.isForFlow(requestOver(wrong)), wrong);
  }
  t.false(here.isForFlow([]));
});

test('a phone of another node is reached over that node, one of this node directly', (t) => {
  const here = node('sip:192.0.2.1:5060;transport=tcp');
  const there = node('sip:192.0.2.2:5060;transport=tcp');
  const path = ['<sip:edge.example;lr>'];
  const flow = there.routeTo(SOURCE) ?? '';
  t.deepEqual(here.pathTo({ flow, path }), [flow, ...path]);
  t.deepEqual(there.pathTo({ flow, path }), path);
});

test('a node that is alone names no flows', (t) => {
  const flows = new Flows();
  t.is(flows.routeTo(SOURCE), undefined);
  t.deepEqual(flows.pathTo({ flow: '<sip:a@192.0.2.9;lr>', path: [] }), []);
  t.false(flows.isForFlow(requestOver('<sip:a@192.0.2.9;lr>')));
});
