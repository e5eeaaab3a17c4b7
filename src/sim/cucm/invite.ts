import { randomBytes, randomUUID } from 'node:crypto';
import { uriHost } from '../address.js';
import { sdpOffer } from '../ua/sdp.js';
import type { Endpoint, SipRequest } from '../ua/stack.js';
import type { UserAgent } from '../ua/user-agent.js';
import type { CucmCallOptions } from './types.js';

const NOBODY = '0'.repeat(32);

/** An INVITE as CUCM 12.5 sends it over a SIP trunk: its headers, its tags, its spacing. */
export function cucmInvite(ua: UserAgent, domain: string, transport: string, options: CucmCallOptions): SipRequest {
  const { to, from = '1001', anonymous = false } = options;
  const { local, clock } = ua;
  const host = uriHost(local.address);
  const called = `${options.sips ? 'sips' : 'sip'}:${to}@${domain}`;
  const display = options.displayName === undefined ? '' : `"${options.displayName.replace(/["\\]/g, '\\$&')}" `;
  const identity = `${display}<sip:${from}@${host}>`;
  const sender = anonymous ? `"Anonymous" <sip:Anonymous@${host}>` : identity;
  const node = Math.floor(Math.random() * 90_000) + 10_000;
  const invite = ua.newRequest(
    'INVITE',
    called,
    `${sender};tag=${node}~${randomUUID()}-${20_000_000 + node}`,
    `<${called}>`,
  );
  const id = randomBytes(12).toString('hex');
  invite.set('Call-ID', `${id.slice(0, 8)}-${id.slice(8, 16)}-${node.toString(16)}-${id.slice(16)}@${local.address}`);
  invite.set('Date', new Date(clock.now()).toUTCString());
  invite.set('Supported', '100rel,timer,resource-priority,replaces');
  invite.set('Min-SE', '1800');
  invite.set('Allow', 'INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY');
  invite.set('Expires', '180');
  invite.set('Allow-Events', 'presence, kpml');
  invite.add('Supported', 'X-cisco-srtp-fallback,X-cisco-original-called');
  const info = `security= NotAuthenticated;orientation= from;gci= 1-${node};isVoip;call-instance= 1`;
  invite.add('Call-Info', `<urn:x-cisco-remotecc:callinfo>;${info}`);
  invite.add('Call-Info', `<sip:${host}:${local.port}>;method="NOTIFY;Event=telephone-event;Duration=500"`);
  if (options.sessionId !== null) {
    invite.set('Session-ID', `${options.sessionId ?? randomBytes(16).toString('hex')};remote=${NOBODY}`);
  }
  invite.set('Cisco-Guid', guid());
  invite.set('Session-Expires', '1800');
  invite.set('P-Asserted-Identity', identity);
  const privacy = anonymous ? 'full' : 'off';
  invite.set('Remote-Party-ID', `${identity};party=calling;screen=yes;privacy=${privacy}`);
  if (anonymous) invite.set('Privacy', 'id');
  const device = `+u.sip!devicename.ccm.cisco.com="SEP${id.slice(0, 12).toUpperCase()}"`;
  invite.set('Contact', `<sip:${from}@${host}:${local.port};transport=${transport}>;${device}`);
  invite.set('Max-Forwards', '69');
  const own = options.headers ?? [];
  for (const [name] of own) invite.remove(name);
  for (const [name, value] of own) invite.add(name, value);
  const early = options.offer === 'early';
  const body = options.body ?? (early ? earlyOffer(local) : undefined);
  if (body !== undefined) {
    invite.set('Content-Type', options.contentType ?? 'application/sdp');
    invite.body = Buffer.from(body);
  }
  return invite;
}

function earlyOffer(local: Endpoint): string {
  const port = 16384 + 2 * Math.floor(Math.random() * 8192);
  return sdpOffer({ address: local.address, port, name: 'CiscoSystemsCCM-SIP' });
}

/** Four decimal numbers of ten digits, as Cisco-Guid has them. */
function guid(): string {
  const bytes = randomBytes(16);
  return [0, 4, 8, 12].map((at) => String(bytes.readUInt32BE(at)).padStart(10, '0')).join('-');
}
