import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Stage } from '../../src/demo/stage.js';
import { Baresip } from './baresip.js';
import { KamailioEdge } from './kamailio.js';
import { requestsIn, requestsOut, stageExactly } from './support.js';

const AOR = 'sip:2001@corp.example';

async function baresip(t: ExecutionContext, stage: Stage, port: number, transport: 'udp' | 'tcp', password?: string) {
  const client = new Baresip({
    aor: AOR,
    server: { host: '127.0.0.1', port, transport },
    ...(password === undefined ? {} : { password }),
  });
  t.teardown(() => client.close());
  await stage.callwake.logged('registered');
  return client;
}

async function callIt(t: ExecutionContext, stage: Stage, offer: 'early' | 'delayed'): Promise<void> {
  const call = stage.cucm.call({ to: '2001', offer });
  t.is((await call.answered).status, 200);
  t.regex(call.remoteSdp ?? '', /m=audio/);
  await call.hangup();
  t.is((await call.ended).how, 'local');
  t.is(stage.apple.total, 0, 'a phone that says nothing of pushes gets none');
}

for (const [edge, transport] of [
  ['path', 'tcp'],
  ['rewrite', 'udp'],
] as const) {
  test.serial(`baresip registers through the edge (${edge}, ${transport}), is called and answers`, async (t) => {
    const stage = await stageExactly(t, { edge, transport });
    await baresip(t, stage, stage.edge?.phones.port ?? 0, transport);
    await callIt(t, stage, 'early');
    await callIt(t, stage, 'delayed');
    t.is(requestsOut(stage.edge?.messages ?? [], 'INVITE').length, 2);
    // It doesn't say that it supports Path, so its 2xx holds none.
    t.deepEqual(stage.faults(), edge === 'path' ? ['REGISTER 2xx without our Path (RFC 3327 section 5.3)'] : []);
  });
}

test.serial('baresip registers through Kamailio, is called and answers', async (t) => {
  const stage = await stageExactly(t, { edge: 'direct', transport: 'tcp' });
  const edge = await KamailioEdge.start(stage.sip);
  t.teardown(() => edge.close());
  await baresip(t, stage, edge.port, 'tcp');
  await callIt(t, stage, 'early');
});

test.serial('baresip authenticates itself by digest, and its unregister ends what is known of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-users-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const usersFile = join(folder, 'users.htdigest');
  const ha1 = createHash('md5').update('2001:corp.example:secret').digest('hex');
  writeFileSync(usersFile, `2001:corp.example:${ha1}\n`);
  const stage = await stageExactly(t, {
    edge: 'direct',
    transport: 'tcp',
    config: { registrar: { digest: { usersFile, algorithms: ['MD5'] } } },
  });
  const client = await baresip(t, stage, stage.sip.port, 'tcp', 'secret');
  await callIt(t, stage, 'early');
  await client.close();
  t.is((await stage.cucm.call({ to: '2001' }).ended).status, 404);
  t.is(requestsIn(stage.cucm.messages, 'BYE').length, 0);
});
