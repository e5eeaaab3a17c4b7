import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import test from 'ava';
import { makeCertificate } from '../../../src/sim/tls/certificate.js';
import { ApiStage, token } from '../api-stage.js';

test('over HTTPS: TLS 1.2 and newer, headers that keep browsers in bounds, no way in without a token', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'callwake-https-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { key, cert } = makeCertificate();
  const tls = { keyFile: join(folder, 'api.key'), certFile: join(folder, 'api.pem') };
  writeFileSync(tls.keyFile, key);
  writeFileSync(tls.certFile, cert);
  const { url } = await ApiStage.start(t, { edge: 'direct', api: { tls } });
  t.regex(url, /^https:/);
  const { port } = new URL(url);
  const silent = connectTcp({ host: '127.0.0.1', port: Number(port) });
  const cut = once(silent.resume(), 'close');
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const [response] = await once(get(`${url}${path}`, { ca: cert, headers, agent: false }), 'response');
    response.resume();
    return response;
  };
  const authorization = `Bearer ${token()}`;
  for (const [path, status] of [
    ['/v1/calls', 401],
    ['/metrics', 401],
    ['/v1/configuration', 401],
    ['/live', 200],
    ['/dashboard/', 200],
    ['/nowhere', 404],
  ] as const) {
    const { statusCode, headers } = await ask(path);
    t.is(statusCode, status, path);
    t.is(headers['x-content-type-options'], 'nosniff', path);
    t.is(headers['x-frame-options'], 'DENY', path);
    t.is(headers['referrer-policy'], 'no-referrer', path);
    t.is(headers['strict-transport-security'], 'max-age=31536000', path);
    t.regex(String(headers['content-security-policy']), /default-src 'none'/, path);
    t.is(headers['access-control-allow-origin'], undefined, path);
    t.is(headers['cache-control'], path === '/dashboard/' ? 'no-cache' : 'no-store', path);
  }
  for (const given of ['Bearer ', 'Basic YWRtaW46YWRtaW4=', 'Basic Y2FsbHdha2U6Y2FsbHdha2U=', `${authorization}x`]) {
    t.is((await ask('/v1/calls', { authorization: given })).statusCode, 401, given);
  }
  t.is((await ask('/v1/calls', { authorization })).statusCode, 200);
  const old = connect({ host: '127.0.0.1', port: Number(port), ca: cert, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
  t.teardown(() => old.destroy());
  const [error] = await once(old, 'error');
  t.truthy(error);
  await t.notThrowsAsync(cut, 'who connects and does not speak TLS is cut off');
});
