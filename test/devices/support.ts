import { DeviceRegistry } from '../../src/devices/registry.js';
import type { DeviceSettings } from '../../src/devices/settings.js';
import type { Device, RegisterAnswer, RegisterRequest } from '../../src/devices/types.js';
import { MemoryStore } from '../../src/store/memory-store.js';
import type { Store } from '../../src/store/store.js';
import { FakeClock } from '../support/fake-clock.js';

export const AOR = 'sip:2001@corp.example';
export const VOIP = 'aa'.repeat(32);
export const ALERT = 'bb'.repeat(32);
export const OTHER = 'cc'.repeat(32);
export const INSTANCE = '00000000-0000-4000-8000-0000000000a1';
export const INSTANCE_2 = '00000000-0000-4000-8000-0000000000b2';
export const PARAM = 'ABCDE12345.com.example.phone.voip';

/** `;pn-provider=apns;pn-param=…;pn-prid=…` */
export function apns(prid = VOIP, param = PARAM): string {
  return `;pn-provider=apns;pn-param=${param};pn-prid=${prid}`;
}

/** `;+sip.instance="<urn:uuid:…>"` */
export function instance(uuid = INSTANCE): string {
  return `;+sip.instance="<urn:uuid:${uuid}>"`;
}

/** The Contact of an iPhone with a VoIP token. */
export function iphone(uri = 'sip:2001@192.0.2.1:5060', push = apns(), uuid = INSTANCE): string {
  return `<${uri}${push}>${instance(uuid)}`;
}

export interface Bench {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  /** Sends a REGISTER; CSeq counts up by itself. */
  register(contacts: readonly string[], rest?: Partial<RegisterRequest>): Promise<RegisterAnswer>;
  devices(): Promise<readonly Device[]>;
  /** The only device there is. */
  device(): Promise<Device>;
}

/** A registry on a memory store under a fake clock. */
export function bench(settings: Partial<DeviceSettings> = {}, store: Store = new MemoryStore()): Bench {
  const clock = new FakeClock();
  const registry = new DeviceRegistry({ store, clock, settings: { expiresJitter: 0, ...settings }, random: () => 0.5 });
  let cseq = 0;
  const devices = () => registry.devicesOf(AOR);
  return {
    clock,
    store,
    registry,
    register: (contacts, rest = {}) => registry.register({ ...request(contacts), cseq: ++cseq, ...rest }),
    devices,
    device: async () => {
      const [only, ...others] = await devices();
      if (only === undefined || others.length > 0) throw new Error(`expected one device, not ${others.length + 1}`);
      return only;
    },
  };
}

/** A REGISTER through an edge that stays out of Path, as TLS. */
export function request(contacts: readonly string[]): RegisterRequest {
  return {
    aor: AOR,
    callId: 'call-1',
    cseq: 1,
    contacts,
    expires: 3600,
    path: [],
    supported: [],
    featureCaps: [],
    source: 'tls/192.0.2.1:5061',
    fromEdge: false,
  };
}

/** All values of a header of an answer. */
export function values(answer: RegisterAnswer, name: string): string[] {
  return answer.headers.filter(([header]) => header === name).map(([, value]) => value);
}
