import type { Binding, BindingMode, Device, Platform, PushToken } from '../../devices/types.js';
import type { PushEnvironment } from '../../push/provider.js';
import { ByteReader, ByteWriter } from './bytes.js';
import {
  aor,
  key,
  list,
  number,
  object,
  oneOf,
  RecordReader,
  RecordWriter,
  repeating,
  shared,
  text,
  time,
  uri,
  yes,
} from './fields.js';
import { NotedTexts } from './noted.js';
import type { Words } from './words.js';

/** The first byte of a record; MessagePack, which records were written in before, never begins with it. */
const FIRST_BYTE = 0xc1;

const environment = oneOf<PushEnvironment>({ production: 0, sandbox: 1 });

/** Order and numbers are the layout on disk: new fields go to the end. */
const token = object<PushToken>({
  kind: oneOf({ voip: 0, alert: 1 }),
  token: key,
  teamId: shared,
  bundleId: shared,
  environment,
  refusedIn: list(environment),
  origin: oneOf({ register: 0, api: 1 }),
  seenAt: time,
});

const binding = object<Binding>({
  uri,
  contact: repeating,
  path: list(shared),
  mode: oneOf<BindingMode>({ path: 0, rewrite: 1, direct: 2 }),
  registeredAt: time,
  expiresAt: time,
  callId: text,
  cseq: number,
  regId: number,
  formerUris: list(repeating),
  pnsreg: yes,
  q: number,
  source: shared,
  flow: text,
});

const device = object<Device>({
  seenAt: time,
  id: key,
  aor,
  instance: repeating,
  platform: oneOf<Platform>({ iphone: 0, ipad: 1, other: 2 }),
  userAgent: shared,
  deviceName: text,
  tokens: list(token),
  bindings: list(binding),
  encryptionKey: text,
  encryptionKeyId: text,
  word: object<NonNullable<Device['word']>>({ state: oneOf({ foreground: 0, background: 1 }), at: time }),
  asleep: object<NonNullable<Device['asleep']>>({ reason: shared, at: time }),
  activeAt: time,
});

const devices = list(device);

/** Writes the devices of an address as bytes for the disk and reads them back. */
export class DeviceRecords {
  readonly #words: Words;
  readonly #bytes = new ByteWriter();

  constructor(words: Words) {
    this.#words = words;
  }

  /** @param before what {@link readNoting} noted of the address's record before: what has stayed is taken over from there */
  write(address: string, value: readonly Device[], before?: NotedTexts): Buffer {
    this.#bytes.reset();
    this.#bytes.byte(FIRST_BYTE);
    devices.write(value, new RecordWriter(this.#words, address, this.#bytes, before));
    return this.#bytes.bytes();
  }

  /**
   * The devices that {@link write} wrote. Undefined when the bytes are something else.
   * @throws RangeError when the record is damaged
   */
  read(address: string, bytes: Buffer): readonly Device[] | undefined {
    return this.#read(address, bytes);
  }

  /** As {@link read}, and notes where the texts stand, for a {@link write} of the same address. */
  readNoting(address: string, bytes: Buffer): { value: readonly Device[]; notes: NotedTexts } | undefined {
    const notes = new NotedTexts(bytes);
    const value = this.#read(address, bytes, notes);
    return value && { value, notes };
  }

  #read(address: string, bytes: Buffer, notes?: NotedTexts): readonly Device[] | undefined {
    if (bytes[0] !== FIRST_BYTE) return undefined;
    const reader = new ByteReader(bytes);
    reader.byte();
    const record = new RecordReader(this.#words, address, reader, notes);
    const value = devices.read(record);
    notes?.close(record.known);
    return value;
  }
}
