import { EventEmitter } from 'node:events';
import test from 'ava';
import { DialogWatch } from '../../src/sip/dialog-watch.js';
import type { Drachtio } from '../../src/sip/drachtio.js';
import { FakeClock } from '../support/fake-clock.js';

type Asked = Parameters<Drachtio['request']>;

/** An engine that answers as told to OPTIONS inside a dialog. */
function watched(keepsForSuccessor: boolean, answerOf: (dialogId: string) => number | 'ENODIALOG' | undefined) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const gone: string[] = [];
  const request = ({ dialogId = '' }: Asked[0] & { dialogId?: string }, sent: Asked[1]): void => {
    asked.push(dialogId);
    const answer = answerOf(dialogId);
    if (answer === 'ENODIALOG') {
      sent(Object.assign(new Error('no dialog'), { code: answer }));
      return;
    }
    const transaction = new EventEmitter();
    sent(undefined, transaction as Parameters<Asked[1]>[1]);
    if (answer !== undefined) transaction.emit('response', { status: answer });
  };
  const watch = new DialogWatch({
    drachtio: { keepsForSuccessor, request } as unknown as Drachtio,
    clock,
    dialogIds: ['caller', 'device'],
    onGone: (id) => gone.push(id),
  });
  return { clock, asked, gone, watch };
}

test('an engine that hands a BYE over is asked once, in case the process before ended the call and could not write it down', (t) => {
  const { clock, asked, gone } = watched(true, (id) => (id === 'device' ? 'ENODIALOG' : 200));
  clock.advance(60_000);
  t.deepEqual(asked, ['caller', 'device']);
  t.deepEqual(gone, ['device']);
});

test('a phone that says nothing for a moment keeps its call, as its BYE would be heard', (t) => {
  const { clock, gone } = watched(true, () => 408);
  clock.advance(60_000);
  t.deepEqual(gone, []);
});

test('an engine that hands no BYE over is asked again and again', (t) => {
  const { clock, asked, gone } = watched(false, (id) => (id === 'caller' && asked.length > 2 ? 481 : 200));
  clock.advance(30_000);
  t.true(asked.length >= 4);
  t.true(gone.includes('caller'));
  t.false(gone.includes('device'));
});

test('nobody is asked once the call is over', (t) => {
  const { clock, asked, watch } = watched(false, () => 200);
  watch.stop();
  clock.advance(60_000);
  t.deepEqual(asked, []);
});
