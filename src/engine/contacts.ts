import { parseUri } from '../grammar/uri.js';
import type { ListenOptions, Protocol, TlsSettings } from './transport/index.js';

/** A contact that the engine can't listen on; the text says why. */
export class ContactError extends Error {
  override name = 'ContactError';
}

const PROTOCOLS: readonly Protocol[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

function isProtocol(text: string): text is Protocol {
  return PROTOCOLS.some((protocol) => protocol === text);
}

/**
 * Reads a contact as drachtio-server takes it: `sip:127.0.0.1:5060;transport=udp,tcp`, `sips:127.0.0.1:5061;transport=tls`. Gives one listener per transport.
 * Without a transport: udp and tcp, or tls for sips. Without a port (or with `:0` the system's choice): 5060 or 5061.
 * `;external-ip=203.0.113.5` is what Via and Contact show instead. Throws {@link ContactError}.
 */
export function parseContact(text: string, tls?: TlsSettings): ListenOptions[] {
  const anyPort = /:0(?=;|$)/.test(text);
  const readable = text.replace(/,/g, '_').replace(/:0(?=;|$)/, '');
  let uri: ReturnType<typeof parseUri>;
  try {
    uri = parseUri(readable);
  } catch {
    throw new ContactError(`not a SIP URI: ${text}`);
  }
  if ((uri.scheme !== 'sip' && uri.scheme !== 'sips') || uri.user !== undefined)
    throw new ContactError(`not a SIP address: ${text}`);
  const secure = uri.scheme === 'sips';
  const names = (uri.params.get('transport') ?? (secure ? 'tls' : 'udp_tcp')).toLowerCase().split('_');
  const external = uri.params.get('external-ip');
  const address = uri.host === '*' ? '0.0.0.0' : uri.host.replace(/^\[|\]$/g, '');
  return names.map((name) => {
    if (!isProtocol(name)) throw new ContactError(`unknown transport "${name}" in ${text}`);
    const encrypted = name === 'tls' || name === 'wss';
    if (encrypted && !tls?.key) throw new ContactError(`${name} needs a key and a certificate: ${text}`);
    return {
      protocol: name,
      address,
      port: anyPort ? 0 : (uri.port ?? (encrypted ? 5061 : 5060)),
      ...(external ? { advertise: { host: external } } : {}),
      ...(encrypted && tls ? { tls } : {}),
    };
  });
}
