import test from 'ava';
import { stranger } from '../../e2e/stranger.js';
import { requestsIn, wire } from '../../e2e/support.js';
import { ApiStage, token } from '../api-stage.js';

const SLOW = { wakeDelayMs: 600_000 };

const idOf = (phone: { readonly identity: { readonly instance: string } }): string =>
  phone.identity.instance.replace('urn:uuid:', '');

test('push again: another push of the same call to the phone that it waits for; then the call is ended before anybody woke', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '120s' } });
  const { stage } = api;
  const phone = await stage.phone({ behaviour: SLOW });
  await phone.background();
  const call = stage.cucm.call({ to: '2001' });
  const { callUuid } = await stage.callwake.logged('push-accepted');
  const at = `/v1/calls/${String(callUuid)}`;

  const pushed = await api.ask(`${at}/push`, { body: {} });
  t.is(pushed.status, 200);
  t.like(pushed.json, { callUuid, pushes: [{ device: idOf(phone), outcome: 'accepted' }] });
  const uuids = stage.apple.received.map(
    ({ payload }) => (payload as { callwake: { callUuid: string } }).callwake.callUuid,
  );
  t.deepEqual(uuids, [callUuid, callUuid]);
  t.like(await api.ask(`${at}/push`, { body: { device: 'nobody' } }), { status: 409 });
  const reader = token(['calls:read']);
  for (const verb of ['push', 'end']) {
    t.is(
      (await api.ask(`${at}/${verb}`, { method: 'POST', ...(verb === 'push' && { body: {} }), token: reader })).status,
      403,
    );
  }

  t.like(await api.ask(`${at}/end`, { method: 'POST' }), { status: 200, json: { callUuid, was: 'held' } });
  const ended = await call.ended;
  t.is(ended.status, 480);
  t.regex(ended.reason ?? '', /Q\.850;cause=31/);
  t.regex(wire(stage.cucm.messages), /^Warning: .*an operator ended the call/m);
  const { text } = await api.ask(`${at}/ladder`);
  t.regex(text, /VoIP push again/);
  t.regex(text, /end: cleared/);
  for (const verb of ['push', 'end']) {
    const late = await api.ask(`${at}/${verb}`, { method: 'POST', ...(verb === 'push' && { body: {} }) });
    t.like(late, { status: 409, json: { detail: 'The call is over: cleared.' } });
  }
  t.is((await api.ask('/v1/calls/nothing/end', { method: 'POST' })).status, 404);
  t.deepEqual(stage.faults(), [`second push for call ${String(callUuid).toLowerCase()}`]);
});

test('ended while it rings: the phone gets CANCEL; while it is up: both sides get BYE, for calls of both directions', async (t) => {
  const api = await ApiStage.start(t, { trunk: { hold: '60s' } });
  const { stage } = api;
  const phone = await stage.phone({ behaviour: { answerDelayMs: 600_000 } });
  const end = async (callUuid: unknown) => api.ask(`/v1/calls/${String(callUuid)}/end`, { method: 'POST' });

  const ringing = stage.cucm.call({ to: '2001' });
  const { callUuid } = await stage.callwake.logged('leg-provisional');
  t.like(await end(callUuid), { status: 200, json: { was: 'ringing' } });
  t.is((await ringing.ended).status, 480);
  t.is((await phone.calls[0]?.ended)?.how, 'cancelled');
  t.regex((await phone.calls[0]?.ended)?.reason ?? '', /Ended by an operator/);

  phone.behaviour = { answerDelayMs: 0 };
  const up = stage.cucm.call({ to: '2001' });
  await up.answered;
  const digit = { body: 'Signal=5\r\n', contentType: 'application/dtmf-relay' };
  t.is((await up.request('INFO', digit)).status, 200, 'its ACK has come before');
  t.like(await end(up.callId), { status: 200, json: { was: 'up' } });
  t.is((await up.ended).how, 'remote');
  t.is((await phone.calls[1]?.ended)?.how, 'remote');
  const bye = requestsIn(stage.cucm.messages, 'BYE')[0];
  t.is(bye?.get('Reason'), 'Q.850;cause=16;text="Ended by an operator"');
  t.regex((await api.ask(`/v1/calls/${encodeURIComponent(up.callId)}/ladder`)).text, /ended by an operator/);

  const outbound = await phone.call('1001');
  await outbound.answered;
  t.like(await end(outbound.callId), { status: 200, json: { was: 'up' } });
  t.is((await outbound.ended).how, 'remote');
  t.is((await stage.cucm.calls.at(-1)?.ended)?.how, 'remote');

  stage.cucm.behaviour = { answer: 'ignore' };
  const trying = await phone.call('1001');
  await trying.response('18x');
  t.like(await end(trying.callId), { status: 200 });
  t.is((await trying.ended).status, 480);
  t.is((await stage.cucm.calls.at(-1)?.ended)?.how, 'cancelled');
  t.like((await api.ask('/v1/overview')).json, { outcomes: { cleared: 2, answered: 2 } });
  t.deepEqual(stage.faults(), []);
});

test('a token and the bindings of a phone are forgotten, and come back with its next REGISTER; without a binding it shows as one that can be woken', async (t) => {
  const api = await ApiStage.start(t);
  const phone = await api.stage.phone({ alertToken: 'ab'.repeat(32) });
  const at = `/v1/devices/2001/${idOf(phone)}`;
  const seen = async () => {
    const { json } = await api.ask(at);
    const tokens = (json.tokens as { kind: string }[]).map(({ kind }) => kind).sort();
    return { tokens, bindings: (json.bindings as unknown[]).length, state: (json.state as { state: string }).state };
  };
  t.deepEqual(await seen(), { tokens: ['alert', 'voip'], bindings: 1, state: 'active' });
  t.is((await api.ask(`${at}/tokens/voip`, { method: 'DELETE' })).status, 204);
  t.like(await api.ask(`${at}/tokens/voip`, { method: 'DELETE' }), { status: 404 });
  t.like(await api.ask(`${at}/tokens/other`, { method: 'DELETE' }), { status: 400 });
  t.deepEqual(await seen(), { tokens: ['alert'], bindings: 1, state: 'active' });
  await phone.register();
  t.deepEqual(await seen(), { tokens: ['alert', 'voip'], bindings: 1, state: 'active' });
  t.is((await api.ask(`${at}/bindings`, { method: 'DELETE' })).status, 204);
  t.is((await api.ask(`${at}/bindings`, { method: 'DELETE' })).status, 404);
  t.deepEqual(await seen(), { tokens: ['alert', 'voip'], bindings: 0, state: 'unregistered' });

  t.like((await api.ask(at)).json.state, { reason: 'no binding, a push token is known' });
  const monitor = await stranger(t, '127.0.0.1', api.stage.sip);
  t.is((await monitor.ask({ method: 'OPTIONS', uri: 'sip:2001@corp.example' })).status, 200);
  const call = api.stage.cucm.call({ to: '2001' });
  t.is((await call.answered).status, 200);
  t.is(api.stage.apple.received.length, 1);
  await call.hangup();
  t.deepEqual(await seen(), { tokens: ['alert', 'voip'], bindings: 1, state: 'active' });
  t.deepEqual(api.stage.faults(), []);
});
