import { Writable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { createLogger, type LoggerOptions } from '../../src/log/logger.js';
import { maskFields, maskText, tokenHash } from '../../src/log/mask.js';

const TOKEN = '0a1b2c3d'.repeat(8);

function lines(options: Partial<LoggerOptions>, write: (log: ReturnType<typeof createLogger>) => void): string[] {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  write(createLogger({ level: 'info', format: 'json', stream, ...options }));
  return text.split('\n').slice(0, -1);
}

test('one JSON line per event, with its call and session', (t) => {
  const [line, ...rest] = lines({}, (log) =>
    log.child({ callUuid: 'u1', sessionId: 's1' }).warn('call held', { ms: 12, text: 'two\nlines' }),
  );
  t.deepEqual(rest, []);
  const { time, ...entry } = JSON.parse(line ?? '');
  t.regex(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  t.deepEqual(entry, {
    level: 'warn',
    event: 'call held',
    callUuid: 'u1',
    sessionId: 's1',
    ms: 12,
    text: 'two\nlines',
  });
});

test('fields cannot pass for time, level or event', (t) => {
  const [line] = lines({}, (log) => log.info('registered', { level: 'error', event: 'x', time: 'never' }));
  const entry = JSON.parse(line ?? '');
  t.is(entry.level, 'info');
  t.is(entry.event, 'registered');
  t.is(entry.level_, 'error');
});

test('pretty lines stay lines, whatever a stranger sends', (t) => {
  const [line, ...rest] = lines({ format: 'pretty' }, (log) =>
    log.info('refused', { from: 'a\n12:00 error fake', n: 1 }),
  );
  t.deepEqual(rest, []);
  t.regex(line ?? '', /^[\d:.]{12} info {2}refused from="a\\n12:00 error fake" n=1$/);
});

test('what is below the level is not written', (t) => {
  t.is(lines({ level: 'warn' }, (log) => log.info('x')).length, 0);
  t.is(lines({ level: 'debug' }, (log) => log.debug('x')).length, 1);
});

const KEY = Buffer.alloc(32, 7).toString('base64url');

test('secrets and push tokens do not reach the log, wherever they stand', (t) => {
  const jwt = `eyJ${'a'.repeat(20)}.eyJpc3MiOiJBIn0.c2ln`;
  const [line = ''] = lines({}, (log) =>
    log.error(`push to ${TOKEN} failed`, {
      token: TOKEN,
      secret: 'cymru',
      encryptionKey: KEY,
      contact: `<sip:a@b>;app-key=${KEY}`,
      header: `X-App-Key: ${KEY};id=k1`,
      nested: { authorization: `bearer ${jwt}`, list: [`Contact: <sip:a@b;pn-prid=${TOKEN}>`, 'pn-prid=SHORT;x'] },
      error: new Error(`jwt ${jwt} and -----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----`),
    }),
  );
  for (const hidden of [TOKEN, jwt, 'cymru', 'MIGH', 'SHORT', KEY]) t.false(line.includes(hidden), hidden);
  t.true(line.includes(tokenHash(TOKEN)));
});

test('a secret is hidden in short and in long texts alike', (t) => {
  const secrets = [
    `eyJ${'b'.repeat(6)}.c.d`,
    '-----BEGIN PRIVATE KEY-----x',
    'pn-prid=AB',
    `Key: ${KEY}`,
    `KEY" = ${KEY}`,
  ];
  const around = fc.string({ maxLength: 80 }).map((text) => text.replace(/[\w-]/g, '.'));
  fc.assert(
    fc.property(fc.constantFrom(...secrets), around, around, (secret, before, after) => {
      t.false(maskText(`${before} ${secret} ${after}`).includes(secret));
    }),
  );
});

test('a token hash is the same for the same token and tells different ones apart', (t) => {
  t.is(tokenHash(TOKEN), tokenHash(TOKEN.toUpperCase()));
  t.not(tokenHash(TOKEN), tokenHash(`${TOKEN}00`));
  t.not(tokenHash(TOKEN, 'key a'), tokenHash(TOKEN, 'key b'));
});

test('what cannot be written as it is is cut', (t) => {
  const loop: Record<string, unknown> = { big: 1n, fn: () => 0, bytes: Buffer.alloc(5) };
  loop.self = loop;
  const masked = JSON.stringify(maskFields({ loop, long: 'x '.repeat(10_000), many: Array(1000).fill(0) }));
  t.true(masked.length < 6000);
  t.true(masked.includes('(deeper)'));
});
