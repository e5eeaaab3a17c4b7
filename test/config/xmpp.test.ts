import test from 'ava';
import { ConfigError } from '../../src/config/errors.js';
import { parseConfig } from '../../src/config/load.js';

const MINIMAL = `
domains: [Corp.Example]
trunks: [{ name: cucm, peers: [{ host: 192.0.2.10 }] }]
edges: [{ name: expressway, addresses: [192.0.2.0/24] }]
push: { provider: none }
`;

function load(xmpp: string): ReturnType<typeof parseConfig>['xmpp'] {
  return parseConfig(`${MINIMAL}\nxmpp: ${xmpp}\n`, { file: 'callwake.yaml', env: {} }).xmpp;
}

test('an XMPP server: off without a domain, which needs a secret', (t) => {
  t.is(load('{}').domain, undefined);
  t.like(load('{ domain: Push.corp.example, secret: s, servers: [Chat.example] }'), {
    host: '127.0.0.1',
    port: 5347,
    domain: 'push.corp.example',
    servers: ['chat.example'],
    alertFor: 'text',
  });
  const refused = (xmpp: string): string => t.throws(() => load(xmpp), { instanceOf: ConfigError })?.message ?? '';
  t.regex(refused('{ domain: push.corp.example }'), /xmpp\.secret.*needed with a domain/);
  t.regex(refused('{ secret: s }'), /xmpp\.domain.*needed with a secret/);
  t.regex(refused('{ alertFor: everything }'), /xmpp\.alertFor.*one of text, sender, all/);
  t.false(refused('{ domain: push.corp.example, nodeSecret: [top-secret], secret: s }').includes('top-secret'));
});
