import test from 'ava';
import fc from 'fast-check';
import { type JointSide, Joints } from '../../src/sip/joints.js';
import { formatReplaces, parseReplaces, translateReferTo } from '../../src/sip/replaces.js';

test('a Replaces value is read whatever the order and the spaces', (t) => {
  const name = { callId: 'a@b', toTag: '1', fromTag: '2' };
  t.deepEqual(parseReplaces('a@b;to-tag=1;from-tag=2'), { ...name, rest: '' });
  t.deepEqual(parseReplaces(' a@b ; From-Tag = 2 ; to-tag=1;early-only'), { ...name, rest: ';early-only' });
  for (const bad of ['', 'a@b', 'a@b;to-tag=1', ';to-tag=1;from-tag=2', 'a@b;to-tag=;from-tag=2']) {
    t.is(parseReplaces(bad), undefined, bad);
  }
});

test('what is formatted is read again', (t) => {
  const token = fc.stringMatching(/^[\w.~%*+'-]{1,20}$/);
  fc.assert(
    fc.property(token, token, token, (callId, toTag, fromTag) => {
      const name = { callId, toTag, fromTag };
      t.deepEqual(parseReplaces(formatReplaces(name, ';early-only')), { ...name, rest: ';early-only' });
    }),
  );
});

test('a Refer-To that can’t be read, or names no dialog, stays as it came', (t) => {
  const never = () => ({ name: { callId: 'x', toTag: 'x', fromTag: 'x' }, uri: 'sip:x' });
  for (const value of [
    '<sip:a@b>',
    '<sip:a@b?Require=replaces>',
    '<sip:a@b?Replaces=nonsense>',
    '<sip:a@b?Replaces=%zz>',
    '<<>',
    '',
  ]) {
    t.is(translateReferTo(value, never), value);
  }
  fc.assert(
    fc.property(fc.string(), (value) => {
      t.is(
        translateReferTo(value, () => undefined),
        value,
      );
    }),
  );
});

const side = (id: string, over: Partial<JointSide> = {}): JointSide => ({
  dialogId: `${id};from-tag=${id}-initiator`,
  callId: id,
  ourTag: () => `${id}-initiator`,
  peerTag: `${id}-peer`,
  contact: `sip:${id}@192.0.2.1`,
  party: { kind: 'trunk', trunk: 'cucm' },
  ...over,
});

test('a dialog of callwake’s is the one on the other side of that call; a peer’s own stays', (t) => {
  const joints = new Joints();
  const caller = side('a', { dialogId: 'a;from-tag=a-peer', ourTag: () => 'a-ours' });
  const device = side('b');
  const remove = joints.add(caller, device, { callUuid: 'A', hangUp: () => {} });
  const other = joints.find({ callId: 'a', toTag: 'a-ours', fromTag: 'a-peer' });
  t.deepEqual(other?.name, { callId: 'b', toTag: 'b-peer', fromTag: 'b-initiator' });
  t.is(other?.side, device);
  t.false(other?.asIs);
  const back = joints.find({ callId: 'b', toTag: 'b-initiator', fromTag: 'b-peer' });
  t.deepEqual(back?.name, { callId: 'a', toTag: 'a-peer', fromTag: 'a-ours' });
  const same = joints.find({ callId: 'b', toTag: 'b-peer', fromTag: 'b-initiator' });
  t.like(same, { asIs: true, name: { callId: 'b', toTag: 'b-peer', fromTag: 'b-initiator' } });
  t.is(joints.find({ callId: 'b', toTag: 'b-peer', fromTag: 'wrong' }), undefined);
  t.is(joints.find({ callId: 'c', toTag: 'b-peer', fromTag: 'b-initiator' }), undefined);
  remove();
  t.is(joints.find({ callId: 'a', toTag: 'a-ours', fromTag: 'a-peer' }), undefined);
  t.is(joints.size, 0);
});
