import { ConnectionError, ErrorCode, FRAME_HEAD, FrameType, MAX_31_BITS, MAX_FRAME, Setting } from './codes.js';
import { MAX_FIELDS_SIZE } from './field-list.js';

const SETTING_SIZE = 6;
const MAX_FRAME_OF_ALL = 2 ** 24 - 1;

/** Takes a parameter that is legal, in the order they came. */
export type OnSetting = (id: number, value: number) => void;

/**
 * Reads the payload of SETTINGS (RFC 9113 section 6.5). Unknown parameters are given as well.
 * @throws ConnectionError as section 6.5.2 says for values that may not be
 */
export function readSettings(bytes: Buffer, from: number, to: number, onSetting: OnSetting): void {
  if ((to - from) % SETTING_SIZE !== 0) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `SETTINGS of ${to - from} octets`);
  }
  for (let at = from; at < to; at += SETTING_SIZE) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    check(id, value);
    onSetting(id, value);
  }
}

function check(id: number, value: number): void {
  // A server may not set it at all but to 0 (section 6.5.2).
  if (id === Setting.ENABLE_PUSH && value !== 0) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS_ENABLE_PUSH ${value} from a server`);
  }
  if (id === Setting.INITIAL_WINDOW_SIZE && value > MAX_31_BITS) {
    throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `SETTINGS_INITIAL_WINDOW_SIZE ${value}`);
  }
  if (id === Setting.MAX_FRAME_SIZE && (value < MAX_FRAME || value > MAX_FRAME_OF_ALL)) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS_MAX_FRAME_SIZE ${value}`);
  }
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** What a client sends first (RFC 9113 section 3.4): its preface, and SETTINGS that allow no push and bound an answer's header fields. */
export const CLIENT_PREFACE: Buffer = (() => {
  const settings = [
    [Setting.ENABLE_PUSH, 0],
    [Setting.MAX_HEADER_LIST_SIZE, MAX_FIELDS_SIZE],
  ] as const;
  const frame = Buffer.alloc(FRAME_HEAD + settings.length * SETTING_SIZE);
  frame.writeUIntBE(settings.length * SETTING_SIZE, 0, 3);
  frame.writeUInt8(FrameType.SETTINGS, 3);
  for (const [n, [id, value]] of settings.entries()) {
    frame.writeUInt16BE(id, FRAME_HEAD + n * SETTING_SIZE);
    frame.writeUInt32BE(value, FRAME_HEAD + n * SETTING_SIZE + 2);
  }
  return Buffer.concat([Buffer.from(PREFACE, 'latin1'), frame]);
})();
