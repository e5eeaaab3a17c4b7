import test from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../src/clock/clock.js';
import { DeviceRegistry } from '../../src/devices/registry.js';
import type { Device } from '../../src/devices/types.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import { DEFAULT_REDIS } from '../../src/store/redis/options.js';
import { RedisStore } from '../../src/store/redis/redis-store.js';
import type { Store } from '../../src/store/store.js';
import { FakeClock } from '../support/fake-clock.js';
import { RedisServer } from '../support/redis.js';
import { AOR, apns, request, values } from './support.js';

const HOUR = 3_600_000;
const RETENTION = 30 * 24 * HOUR;

/** How a phone of the model makes itself known. */
type Kind = 'instance' | 'token' | 'contact';
const PHONES: readonly Kind[] = ['instance', 'instance', 'token', 'contact', 'contact'];

interface Flow {
  uri: string;
  expiresAt: number;
  callId: string;
  cseq: number;
  /** What its REGISTER said. */
  contact: string;
  hours: number;
}

/** What the RFCs say that is known of a phone. */
interface Phone {
  readonly kind: Kind;
  boot: number;
  token: number;
  /** By reg-id; 0 without one. */
  flows: Map<number, Flow>;
  known?: { token: string; seenAt: number };
}

type Step =
  | { do: 'register'; phone: number; address: number; flow: number; hours: number; late: boolean }
  | { do: 'unregister' | 'again'; phone: number; flow: number }
  | { do: 'reboot' | 'newToken' | 'dead'; phone: number }
  | { do: 'wildcard' | 'restart' }
  | { do: 'wait'; ms: number };

const phone = fc.nat(PHONES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('register' as const),
      phone,
      address: fc.nat(2),
      flow: fc.nat(2),
      hours: fc.integer({ min: 1, max: 24 }),
      late: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('unregister' as const, 'again'), phone, flow: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reboot' as const, 'newToken', 'dead'), phone }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('wildcard' as const, 'restart') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 26 * HOUR }), fc.constantFrom(HOUR, 24 * HOUR, RETENTION, 2 * RETENTION)),
    }),
  },
);

/** The model and the real registry, side by side. */
class Twins {
  readonly clock = new FakeClock();
  readonly #stores: readonly Store[];
  #opened = 0;
  #registry: DeviceRegistry;
  readonly #phones: Phone[] = PHONES.map((kind) => ({ kind, boot: 0, token: 0, flows: new Map() }));
  #cseq = 1000;

  /** @param stores the nodes of a site: each restart goes on at the next one */
  constructor(stores: readonly Store[] = [new MemoryStore()]) {
    this.#stores = stores;
    this.#registry = this.#open();
  }

  #open(): DeviceRegistry {
    const store = this.#stores[this.#opened++ % this.#stores.length];
    if (store === undefined) throw new Error('no store');
    return new DeviceRegistry({
      store,
      clock: this.clock,
      settings: { tokenRetention: RETENTION, expiresJitter: 0 },
    });
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'register':
        return this.#register(step);
      case 'unregister':
        return this.#unregister(step.phone, step.flow);
      case 'again':
        return this.#again(step.phone, step.flow);
      case 'reboot':
        this.#phone(step.phone).boot++;
        return;
      case 'newToken':
        if (this.#phone(step.phone).kind === 'instance') this.#phone(step.phone).token++;
        return;
      case 'dead':
        return this.#dead(step.phone);
      case 'wildcard': {
        const answer = await this.#send(['*'], 'sweeper', 0);
        equal(answer.status, 200, 'status of *');
        for (const each of this.#phones) forget(each);
        return;
      }
      case 'restart':
        this.#registry = this.#open();
        return;
      case 'wait':
        this.clock.advance(step.ms);
    }
  }

  async check(): Promise<void> {
    this.#expire();
    const devices = await this.#registry.devicesOf(AOR);
    equal(canonical(devices.map(seen)), canonical(this.#phones.flatMap(expected)), 'devices');
    const listed = values(await this.#send([], 'query', 3600), 'Contact').map(
      (text) => /<([^>]*)>/.exec(text)?.[1] ?? '',
    );
    equal(
      listed.sort(),
      this.#phones.flatMap(({ flows }) => [...flows.values()].map(({ uri }) => uri)).sort(),
      'Contacts',
    );
  }

  async #register({ phone, address, flow, hours, late }: Step & { do: 'register' }): Promise<void> {
    this.#expire();
    const model = this.#phone(phone);
    const regId = model.kind === 'instance' ? flow : 0;
    const uri = uriOf(phone, model.kind === 'contact' ? 0 : address);
    const callId = `call-${phone}-${model.boot}`;
    const replaced = [...model.flows].filter(([id]) => regId === 0 || id === 0 || id === regId);
    const cseq = late ? 1 : ++this.#cseq;
    const contact = this.#contact(phone, uri, regId);
    const made = { uri, expiresAt: this.clock.now() + hours * HOUR, callId, cseq, contact, hours };
    const repeated = isSame(model.flows.get(regId), made);
    const old = !repeated && replaced.some(([, other]) => other.callId === callId && other.cseq >= cseq);
    const answer = await this.#send([contact], callId, hours * 3600, cseq);
    equal(answer.status, old ? 500 : 200, 'status');
    equal(answer.registered.length, old ? 0 : 1, 'registered');
    if (old || repeated) return;
    for (const [id] of replaced) model.flows.delete(id);
    model.flows.set(regId, made);
    if (model.kind !== 'contact') model.known = { token: tokenOf(phone, model.token), seenAt: this.clock.now() };
  }

  /** The very REGISTER that made a binding comes once more, as to the process after one that died before it answered. */
  async #again(phone: number, flow: number): Promise<void> {
    this.#expire();
    const current = this.#phone(phone).flows.get(flow);
    if (current === undefined) return;
    const { contact, callId, hours, cseq } = current;
    const answer = await this.#send([contact], callId, hours * 3600, cseq);
    equal(answer.status, 200, 'status of a REGISTER that is stored already');
    equal(answer.registered.length, 1, 'registered by it');
  }

  async #unregister(phone: number, flow: number): Promise<void> {
    this.#expire();
    const model = this.#phone(phone);
    const regId = model.kind === 'instance' ? flow : 0;
    const current = model.flows.get(regId);
    if (current === undefined) return;
    const contact = `<${current.uri}>${model.kind === 'instance' ? instanceOf(phone) : ''}${regIdOf(regId)}`;
    const answer = await this.#send([contact], `call-${phone}-${model.boot}`, 0, ++this.#cseq);
    equal(answer.status, 200, 'status of unregister');
    equal(answer.registered.length, 0, 'registered by unregister');
    model.flows.delete(regId);
    if (model.flows.size === 0) forget(model);
  }

  async #dead(phone: number): Promise<void> {
    const model = this.#phone(phone);
    const token = model.known?.token;
    if (token === undefined) return;
    const device = (await this.#registry.devicesOf(AOR)).find(({ tokens }) =>
      tokens.some((own) => own.token === token),
    );
    await this.#registry.tokenVerdict(AOR, device?.id ?? '', { token, verdict: 'dead', at: this.clock.now() });
    delete model.known;
  }

  #contact(phone: number, uri: string, regId: number): string {
    const { kind, token } = this.#phone(phone);
    const push = kind === 'contact' ? '' : apns(tokenOf(phone, token));
    return `<${uri}${push}>${kind === 'instance' ? instanceOf(phone) : ''}${regIdOf(regId)}`;
  }

  #send(contacts: readonly string[], callId: string, expires: number, cseq = ++this.#cseq) {
    return this.#registry.register({ ...request(contacts), callId, cseq, expires });
  }

  #expire(): void {
    const now = this.clock.now();
    for (const model of this.#phones) {
      for (const [id, { expiresAt }] of model.flows) if (expiresAt <= now) model.flows.delete(id);
      if (model.flows.size === 0 && model.known && model.known.seenAt + RETENTION <= now) delete model.known;
    }
  }

  #phone(index: number): Phone {
    const found = this.#phones[index];
    if (found === undefined) throw new Error(`no phone ${index}`);
    return found;
  }
}

const uriOf = (phone: number, address: number) => `sip:p${phone}@192.0.2.${address + 1}:5060`;
const tokenOf = (phone: number, generation: number) => `${phone}${generation.toString(16).padStart(15, '0')}`;
const instanceOf = (phone: number) => `;+sip.instance="<urn:uuid:phone-${phone}>"`;
const regIdOf = (regId: number) => (regId === 0 ? '' : `;reg-id=${regId}`);

function isSame(one: Flow | undefined, { callId, cseq, contact, hours }: Flow): boolean {
  return one?.callId === callId && one.cseq === cseq && one.contact === contact && one.hours === hours;
}

function forget(model: Phone): void {
  model.flows.clear();
  delete model.known;
}

function expected({ flows, known }: Phone): object[] {
  if (flows.size === 0 && known === undefined) return [];
  const bindings = [...flows].map(([id, { uri, expiresAt }]) => `${id} ${uri} ${expiresAt}`).sort();
  return [{ bindings, tokens: known === undefined ? [] : [known.token] }];
}

function seen({ bindings, tokens }: Device): object {
  return {
    bindings: bindings.map(({ regId = 0, uri, expiresAt }) => `${regId} ${uri} ${expiresAt}`).sort(),
    tokens: tokens.map(({ token }) => token),
  };
}

function canonical(devices: readonly object[]): string[] {
  return devices.map((device) => JSON.stringify(device)).sort();
}

function equal(actual: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, but the RFCs say ${right}`);
}

test('whatever phones do, the bindings and tokens are those that the RFCs say', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const twins = new Twins();
      for (const each of steps) {
        await twins.run(each);
        await twins.check();
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('the same with two nodes on one Redis, the phones going from one to the other', async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  let site = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const options = { ...DEFAULT_REDIS, urls: [redis.url], prefix: `site${site++}:`, timeout: 20_000 };
      const nodes = ['a', 'b'].map((node) => new RedisStore({ redis: options, clock: systemClock, node, cache: 100 }));
      try {
        await Promise.all(nodes.map(({ link }) => link.up()));
        const twins = new Twins(nodes);
        for (const each of steps) {
          await twins.run(each);
          await twins.check();
        }
      } finally {
        await Promise.all(nodes.map((node) => node.close()));
      }
    }),
    { numRuns: 40 },
  );
  t.pass();
});

test('REGISTERs of one AOR that come at the same time never lose each other, in whatever order the store answers', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 8 }), async (scheduler, count) => {
      const memory = new MemoryStore();
      const store = Object.assign(Object.create(memory) as MemoryStore, {
        devicesOf: scheduler.scheduleFunction(async (aor: string) => memory.devicesOf(aor)),
        putDevices: scheduler.scheduleFunction((aor: string, devices: readonly Device[]) =>
          memory.putDevices(aor, devices),
        ),
      });
      const registry = new DeviceRegistry({ store, clock: new FakeClock() });
      const answers = Array.from({ length: count }, (_, n) =>
        registry.register({ ...request([`<sip:p${n}@192.0.2.1>${instanceOf(n)}`]), callId: `call-${n}` }),
      );
      await scheduler.waitFor(Promise.all(answers));
      const statuses = (await Promise.all(answers)).map(({ status }) => status);
      equal(statuses, Array(count).fill(200), 'statuses');
      equal(
        memory.devicesOf(AOR).map(({ id }) => id),
        [...Array(count).keys()].map((n) => `phone-${n}`),
        'devices',
      );
      equal(
        (await answers.at(-1))?.headers.filter(([name]) => name === 'Contact').length,
        count,
        'Contacts of the last',
      );
    }),
    { numRuns: 50 },
  );
  t.pass();
});
