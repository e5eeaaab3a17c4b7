import type { Random } from '../../src/sim/random.js';
import { mutate } from './mutate.js';

/** What a client of the control port sends that nobody should: with or without the secret. */
export function controlBytes(random: Random, secret: string): Buffer {
  const parts: Buffer[] = [];
  if (random.chance(0.6)) parts.push(frame(`${random.word()}|authenticate|${random.chance(0.8) ? secret : 'wrong'}`));
  for (let i = random.below(8); i >= 0; i--) parts.push(piece(random));
  return Buffer.concat(parts);
}

function piece(random: Random): Buffer {
  switch (random.below(7)) {
    case 0:
      return random.bytes(random.below(200));
    case 1:
      return Buffer.from(
        `${random.pick(['-1', '0', '00', '70000', '9999999', '99999999999', 'x', '', ' 5', '1e3'])}#${random.word(20)}`,
      );
    case 2:
      return frame(command(random)).subarray(0, 1 + random.below(50));
    case 3:
      return frame('x'.repeat(random.below(70_000)));
    case 4:
      return mutate(random, frame(command(random)), Buffer.from(command(random)));
    case 5:
      return frame(mutate(random, Buffer.from(command(random)), Buffer.from(command(random))).toString('latin1'));
    default:
      return frame(command(random));
  }
}

function command(random: Random): string {
  const id = random.word();
  const sip = `${random.pick(['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'PRACK', 'UPDATE'])} ${random.pick([
    'sip:a@127.0.0.1:9',
    'sip:b@host.invalid',
    'sip:c@127.0.0.1:9;transport=tcp',
    'placeholder',
    'sip:placeholder',
    '',
  ])} SIP/2.0\r\nFrom: <sip:a@localhost>\r\nTo: <sip:b@localhost>\r\nContact: <sip:localhost>\r\nX: ${random.word()}\r\n\r\n${random.word(random.below(100))}`;
  const response = `SIP/2.0 ${random.pick([100, 180, 200, 486, 700, 99, -1])} Reason\r\nX: y\r\n\r\n`;
  return random.pick([
    `${id}|ping`,
    `${id}|route|publish`,
    `${id}|remove_route|publish`,
    `${id}|route|${random.word(random.below(100))}`,
    `${id}|route`,
    `${id}`,
    '',
    `${id}|${random.word()}|x|y`,
    `${id}|sip|||${random.chance(0.3) ? 'sip:127.0.0.1:9' : ''}\r\n${sip}`,
    `${id}|sip||${random.word()};from-tag=${random.word()}\r\n${sip}`,
    `${id}|sip|${random.word()}|\r\n${response}`,
    `${id}|sip|\r\n${response}`,
    `${id}|sip\r\n${sip}`,
    `${id}|proxy|${random.word()}|remainInDialog|fullResponse|followRedirects|simultaneous|1s|1s|sip:x@127.0.0.1:9\r\n${sip}`,
    `${id}|proxy\r\n${sip}`,
    `${id}|proxy|a|b|c|d|e|f|g|${'sip:x|'.repeat(random.below(100))}\r\n`,
  ]);
}

function frame(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text)}#${text}`);
}
