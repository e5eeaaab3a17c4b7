// One process of floor.mjs, which forks it: hands on what it gets and does nothing else.
//   answer        a datagram goes back to where it came from
//   engine        a datagram goes to the app over TCP, and back to where it came from when the app has returned it
//   app PORT      returns to the engine, which listens on PORT, what it gets
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const [role, port] = process.argv.slice(2);
const roles = { answer, engine, app };
process.on('disconnect', () => process.exit(0));
process.send(await roles[role]());

async function answer() {
  const udp = createSocket('udp4');
  udp.on('message', (datagram, from) => udp.send(datagram, from.port, from.address));
  return { udp: await bound(udp) };
}

async function engine() {
  const udp = createSocket('udp4');
  const server = createServer((control) => {
    control.setNoDelay(true);
    let sender;
    let rest = Buffer.alloc(0);
    udp.on('message', (datagram, from) => {
      sender = from;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(datagram.length);
      control.write(Buffer.concat([length, datagram]));
    });
    control.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE()) {
        const end = 2 + rest.readUInt16BE();
        udp.send(rest.subarray(2, end), sender.port, sender.address);
        rest = rest.subarray(end);
      }
    });
  });
  await new Promise((resolve) => server.listen(0, LOOPBACK, resolve));
  return { udp: await bound(udp), control: server.address().port };
}

async function app() {
  const control = connect(Number(port), LOOPBACK);
  control.setNoDelay(true);
  control.on('data', (chunk) => control.write(chunk));
  await new Promise((resolve) => control.once('connect', resolve));
  return {};
}

async function bound(udp) {
  await new Promise((resolve) => udp.bind(0, LOOPBACK, resolve));
  return udp.address().port;
}
