// The clients that are measured, each behind the same two functions. Peers come from the folder in CALLWAKE_BENCH_PEERS.
import { randomUUID } from 'node:crypto';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import jwt from 'jsonwebtoken';
import { systemClock } from '../../dist/clock/clock.js';
import { ApnsProvider } from '../../dist/push/apns/client.js';

export const TEAM = 'ABCDE12345';
export const KEY_ID = 'KEYID12345';
export const TOPIC = 'com.example.phone.voip';

const peers = createRequire(join(process.env.CALLWAKE_BENCH_PEERS ?? process.cwd(), 'package.json'));
const peer = (name) => import(pathToFileURL(peers.resolve(name)).href);

/** As long as a call's payload is on average. */
const payload = (n) => ({
  aps: {},
  callwake: {
    v: 1,
    callUuid: '7d444840-9dc0-11d1-b245-5ffdce74fad2',
    callerName: 'Ada Lovelace',
    callerNumber: '+4930123456',
    calledNumber: '2001',
    video: false,
    trunk: 'cucm',
    expiresAt: 1_800_000_000_000 + n,
  },
});

const headersOf = (token, authorization) => ({
  ':method': 'POST',
  ':path': `/3/device/${token}`,
  'apns-topic': TOPIC,
  'apns-push-type': 'voip',
  'apns-priority': '10',
  'apns-expiration': '0',
  'apns-id': randomUUID(),
  authorization,
});

/** Each takes `{ host, port, ca, key }` and gives `push(token)`, which settles with undefined or throws, and `close()`. */
export const clients = {
  async callwake({ host, port, ca, key, connections = 2, deadlineMs = 10_000 }) {
    const provider = new ApnsProvider({
      clock: systemClock,
      accounts: [{ teamId: TEAM, keyId: KEY_ID, key }],
      endpoints: { production: { host, port } },
      ca,
      connections,
    });
    let n = 0;
    return {
      async push(token) {
        const outcome = await provider.push({
          ref: { deviceId: 'bench' },
          kind: 'voip',
          token,
          environment: 'production',
          teamId: TEAM,
          topic: TOPIC,
          payload: payload(n++),
          deadline: Date.now() + deadlineMs,
        });
        if (outcome.kind !== 'accepted') throw new Error(outcome.reason ?? outcome.kind);
      },
      warm: () => provider.warm(TEAM, 'production'),
      close: () => provider.close(),
    };
  },

  // Sessions of node:http2, as many as callwake opens, and nothing that a client of APNs has to do beyond asking and reading status and body.
  async bare({ host, port, ca, key, connections = 2 }) {
    const sessions = Array.from({ length: connections }, () => http2.connect(`https://${host}:${port}`, { ca }));
    for (const session of sessions) session.on('error', () => {});
    const authorization = `bearer ${jwt.sign({ iss: TEAM }, key, { algorithm: 'ES256', keyid: KEY_ID })}`;
    let n = 0;
    return {
      push: (token) =>
        new Promise((resolve, reject) => {
          const stream = sessions[n % connections].request(headersOf(token, authorization));
          let status = 0;
          stream.on('response', (headers) => {
            status = headers[':status'];
          });
          stream.on('data', () => {});
          stream.on('error', reject);
          stream.on('close', () => (status === 200 ? resolve() : reject(new Error(`status ${status}`))));
          stream.end(JSON.stringify(payload(n++)));
        }),
      close: () => {
        for (const session of sessions) session.destroy();
      },
    };
  },

  async 'node-apn'({ host, port, ca, key }) {
    const { default: apn } = await peer('@parse/node-apn');
    const provider = new apn.Provider({
      token: { key: Buffer.from(key), keyId: KEY_ID, teamId: TEAM },
      address: host,
      port,
      ca,
    });
    let n = 0;
    return {
      async push(token) {
        const notification = new apn.Notification();
        Object.assign(notification, { topic: TOPIC, pushType: 'voip', priority: 10, expiry: 0, id: randomUUID() });
        notification.rawPayload = payload(n++);
        const { failed } = await provider.send(notification, token);
        if (failed[0]) throw new Error(failed[0].response?.reason ?? failed[0].error?.message ?? 'failed');
      },
      close: () => provider.shutdown(),
    };
  },

  // Its port is 443.
  async apns2({ host, key }) {
    const { ApnsClient, Notification } = await peer('apns2');
    const client = new ApnsClient({ team: TEAM, keyId: KEY_ID, signingKey: key, host, defaultTopic: TOPIC });
    let n = 0;
    return {
      async push(token) {
        await client.send(new Notification(token, { type: 'voip', expiration: 0, priority: 10, data: payload(n++) }));
      },
      close: () => client.client?.destroy?.(),
    };
  },

  // Its body is always {"aps":{}}: it drops the rest of a VoIP push.
  async hapns({ host, port, key }) {
    const { TokenConnector } = await peer('hapns/connectors/token');
    const { VoipNotification } = await peer('hapns/notifications/VoipNotification');
    const { send } = await peer('hapns/send');
    const connector = TokenConnector({ key: new Uint8Array(Buffer.from(key)), keyId: KEY_ID, teamIdentifier: TEAM });
    let n = 0;
    return {
      async push(token) {
        const notification = VoipNotification(TOPIC, {
          payload: {},
          appData: payload(n++),
          priority: 10,
          expiration: 0,
        });
        const getBaseUrl = () => `https://${host}:${port}`;
        await send(connector, notification, { headers: {}, body: {}, requestPath: `/3/device/${token}`, getBaseUrl });
      },
      close: () => {},
    };
  },

  async undici({ host, port, ca, key }) {
    const { Client } = await peer('undici');
    const client = new Client(`https://${host}:${port}`, {
      allowH2: true,
      connect: { ca },
      pipelining: 1000,
      maxConcurrentStreams: 1000,
    });
    const authorization = `bearer ${jwt.sign({ iss: TEAM }, key, { algorithm: 'ES256', keyid: KEY_ID })}`;
    let n = 0;
    return {
      async push(token) {
        const { ':method': method, ':path': path, ...headers } = headersOf(token, authorization);
        const { statusCode, body } = await client.request({
          method,
          path,
          headers,
          body: JSON.stringify(payload(n++)),
        });
        await body.dump();
        if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      },
      close: () => client.destroy(),
    };
  },
};
