import test from 'ava';
import { suggest } from '../../src/config/suggest.js';

const KEYS = ['hold', 'ring', 'ringback', 'ringbackAfter', 'whenNotWoken'];

test('finds what was probably meant', (t) => {
  t.is(suggest('hodl', KEYS), 'hold');
  t.is(suggest('ring_back', KEYS), 'ringback');
  t.is(suggest('RingbackAftr', KEYS), 'ringbackAfter');
  t.is(suggest('whenNotWokn', KEYS), 'whenNotWoken');
});

test('says nothing when nothing is near', (t) => {
  t.is(suggest('secret', KEYS), undefined);
  t.is(suggest('', KEYS), undefined);
  t.is(suggest('x'.repeat(100_000), KEYS), undefined);
});
