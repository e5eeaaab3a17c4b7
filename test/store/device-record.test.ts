import test from 'ava';
import fc from 'fast-check';
import type { Binding, Device, PushToken } from '../../src/devices/types.js';
import { DeviceRecords } from '../../src/store/device-record/record.js';
import { Words } from '../../src/store/device-record/words.js';
import { fullDevice } from './support.js';

/** Words on a shelf in memory. */
function shelf() {
  const kept: string[] = [];
  return {
    kept,
    keep: async (number: number, word: string) => {
      if (kept[number] !== undefined) return false;
      kept[number] = word;
      return true;
    },
    from: (number: number) => kept.slice(number),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const uuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
);
const address = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 99_999 })).map(([ip, port]) => `${ip}:${port}`);
/** Texts of all kinds, those that records shorten among them, and those that look like them. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      uuid,
      hex(64),
      hex(13),
      address,
      fc.constantFrom(
        '<sip:',
        ':2001@',
        'sip:2001@a.example',
        ';pn-prid=',
        '010.1.1.1:5060',
        '1.2.3.4:05060',
        '0123456789',
      ),
      fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''))
  .filter((value) => Buffer.from(value).toString() === value);
const time = fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.maxSafeInteger(), fc.double({ noNaN: true }));
const token = fc.record<PushToken>(
  {
    kind: fc.constantFrom('voip', 'alert'),
    token: fc.oneof(hex(64), text),
    teamId: text,
    bundleId: text,
    environment: fc.constantFrom('production', 'sandbox'),
    refusedIn: fc.array(fc.constantFrom('production', 'sandbox')),
    origin: fc.constantFrom('register', 'api'),
    seenAt: time,
  },
  { requiredKeys: ['kind', 'token', 'teamId', 'bundleId', 'seenAt'] },
);
const binding = fc.record<Binding>(
  {
    uri: text,
    contact: text,
    path: fc.array(text, { maxLength: 3 }),
    mode: fc.constantFrom('path', 'rewrite', 'direct'),
    registeredAt: time,
    expiresAt: time,
    callId: text,
    cseq: fc.nat(),
    regId: fc.nat(),
    formerUris: fc.array(text, { maxLength: 4 }),
    pnsreg: fc.boolean(),
    q: fc.double({ min: 0, max: 1, noNaN: true }),
    source: text,
  },
  { requiredKeys: ['uri', 'path', 'mode', 'registeredAt', 'expiresAt', 'callId', 'cseq', 'q', 'source'] },
);
const device = fc.record<Device>(
  {
    id: fc.oneof(uuid, text),
    aor: fc.constantFrom('sip:2001@a.example', 'sip:b@b.example'),
    instance: uuid,
    platform: fc.constantFrom('iphone', 'ipad', 'other'),
    userAgent: text,
    deviceName: text,
    bindings: fc.array(binding, { maxLength: 3 }),
    tokens: fc.array(token, { maxLength: 3 }),
    encryptionKey: text,
    encryptionKeyId: text,
    word: fc.record({ state: fc.constantFrom('foreground', 'background'), at: time }),
    asleep: fc.record({ reason: text, at: time }),
    activeAt: time,
    seenAt: time,
  },
  { requiredKeys: ['id', 'aor', 'platform', 'bindings', 'tokens', 'seenAt'] },
);

test('devices of every kind come back as they were, whatever has become a word meanwhile', async (t) => {
  const there = shelf();
  const records = new DeviceRecords(new Words(there));
  const written: [string, readonly Device[], Buffer][] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(device, { maxLength: 3 }), fc.nat(), async (devices, n) => {
      const aor = n % 2 === 0 ? 'sip:2001@a.example' : `sip:${n}@a.example`;
      const bytes = records.write(aor, devices);
      written.push([aor, devices, bytes]);
      t.deepEqual(records.read(aor, bytes), devices);
      await turn();
    }),
    { numRuns: 400 },
  );
  t.true(there.kept.length > 0);
  const later = new DeviceRecords(new Words(there));
  for (const [aor, devices, bytes] of written) t.deepEqual(later.read(aor, bytes), devices);
});

test('what is written with the notes of an earlier reading is what was meant, whatever has changed', async (t) => {
  const records = new DeviceRecords(new Words(shelf()));
  const aor = 'sip:2001@a.example';
  const devices = fc.array(device, { maxLength: 3 });
  /** Most of what was there stays, in another order, with something new. */
  const next = fc.tuple(devices, devices, fc.array(fc.nat(5), { minLength: 6, maxLength: 6 }), fc.nat(), text);
  await fc.assert(
    fc.asyncProperty(next, async ([before, others, order, cseq, callId]) => {
      const all = [...before, ...others];
      const after = order.flatMap((index) => {
        const one = all[index];
        if (one === undefined) return [];
        const bindings = one.bindings.map((old, i) => (i === 0 ? { ...old, cseq, callId } : old)).toReversed();
        return [index % 2 === 0 ? one : { ...one, bindings }];
      });
      const read = records.readNoting(aor, records.write(aor, before));
      t.deepEqual(read?.value, before);
      await turn();
      t.deepEqual(records.read(aor, records.write(aor, after, read?.notes)), after);
    }),
    { numRuns: 300 },
  );
});

test('a refresh is written from what was read as it is written from nothing', async (t) => {
  const records = new DeviceRecords(new Words(shelf()));
  for (let n = 1; n <= 40; n++) {
    records.write(phone(n).aor, [phone(n)]);
    await turn();
  }
  const before = phone(41);
  const { aor } = before;
  const read = records.readNoting(aor, records.write(aor, [before]));
  const bindings = before.bindings.map((binding) => ({ ...binding, cseq: binding.cseq + 1, registeredAt: 1.7e12 }));
  const after = [{ ...before, bindings, seenAt: 1.7e12 }];
  t.deepEqual(records.write(aor, after, read?.notes), records.write(aor, after));
});

function phone(n: number): Device {
  const [full] = [fullDevice(`sip:${n}@corp.example`, '')];
  const [binding] = full.bindings;
  if (binding === undefined) throw new Error('no binding');
  const random = (seed: number, length: number): string =>
    Array.from({ length }, (_, i) => ((n * 7919 + seed * 31 + i * i * 104729) % 16).toString(16)).join('');
  const [voip, alert] = [random(1, 64), random(2, 64)];
  const raw = random(3, 32);
  const id = `${raw.slice(0, 8)}-${raw.slice(8, 12)}-${raw.slice(12, 16)}-${raw.slice(16, 20)}-${raw.slice(20)}`;
  const uri = `sip:${n}@10.1.${n % 200}.7:${49152 + n};transport=tls`;
  const pn = `pn-provider=apns;pn-param=ABCDE12345.com.example.phone.voip&remote;pn-prid=${voip}:voip&${alert}:remote`;
  const seenAt = 1_767_600_000_000 + n;
  const of = { teamId: 'ABCDE12345', bundleId: 'com.example.phone', seenAt, origin: 'register' } as const;
  return {
    id,
    aor: full.aor,
    instance: id,
    platform: 'iphone',
    userAgent: 'Example/1.2 (iPhone; iOS 26.1)',
    bindings: [
      {
        ...binding,
        uri,
        contact: `<${uri};${pn}>;+sip.instance="<urn:uuid:${id}>"`,
        callId: `${id}@10.1.${n % 200}.7`,
        registeredAt: seenAt,
        expiresAt: seenAt + 3_600_000,
      },
    ],
    tokens: [
      { kind: 'voip', token: voip, ...of },
      { kind: 'alert', token: alert, ...of },
    ],
    seenAt,
  };
}

test('a phone with Path and two tokens takes less than 250 bytes once its like have been seen', async (t) => {
  const records = new DeviceRecords(new Words(shelf()));
  let size = 0;
  for (let n = 2001; n < 2200; n++) {
    size = records.write(`sip:${n}@corp.example`, [phone(n)]).length;
    await turn();
  }
  t.true(size < 250, `${size} bytes`);
});

test('what a single phone says never becomes a word, however often it says it', async (t) => {
  const there = shelf();
  const records = new DeviceRecords(new Words(there));
  for (let n = 0; n < 100; n++) {
    records.write('sip:2001@corp.example', [phone(2001)]);
    await turn();
  }
  t.deepEqual(there.kept, []);
});

test('two that keep words on one shelf at the same time never mean different words by a number', async (t) => {
  const there = shelf();
  const both = [new DeviceRecords(new Words(there)), new DeviceRecords(new Words(there))] as const;
  for (let n = 2001; n < 2100; n++) {
    const aor = `sip:${n}@corp.example`;
    const other = { ...phone(n), userAgent: 'Other/2 (iPad)' };
    const bytes = [both[0].write(aor, [phone(n)]), both[1].write(aor, [other])] as const;
    await turn();
    t.deepEqual(both[1].read(aor, bytes[0]), [phone(n)]);
    t.deepEqual(both[0].read(aor, bytes[1]), [other]);
  }
  t.is(new Set(there.kept).size, there.kept.length);
  t.true(there.kept.includes('Other/2 (iPad)'));
});

test('a damaged record is an error, not a device', (t) => {
  const records = new DeviceRecords(new Words(shelf()));
  const bytes = records.write('sip:2001@corp.example', [phone(2001)]);
  for (let end = 1; end < bytes.length; end++) {
    t.throws(() => records.read('sip:2001@corp.example', bytes.subarray(0, end)), { instanceOf: RangeError });
  }
  t.is(records.read('sip:2001@corp.example', Buffer.from([0x91, 0x01])), undefined);
});
