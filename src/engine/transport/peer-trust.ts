import { Networks } from '../../grammar/networks.js';
import { ipVersion } from '../../grammar/uri.js';
import type { PeerTrust, TlsSettings } from './types.js';

/** The trust that holds for a peer: by the name that was asked for, or by its address. The first that fits counts. */
export function trustOf(settings: TlsSettings, address: string, serverName?: string): PeerTrust | undefined {
  return settings.peers?.find(({ addresses }) => {
    const names = addresses.filter((entry) => isName(entry));
    if (serverName !== undefined && names.includes(serverName.toLowerCase())) return true;
    return new Networks(addresses.filter((entry) => !isName(entry))).has(address);
  });
}

/** The settings of a listener for whoever connects from there: its own authorities, and it is asked for a certificate. */
export function settingsForPeer(settings: TlsSettings, trust: PeerTrust): TlsSettings {
  return { ...settings, requestClientCertificate: true, ...(trust.ca === undefined ? {} : { ca: trust.ca }) };
}

/** Whether there is anything that it must show. */
export function isParticular({ names, ca }: PeerTrust): boolean {
  return names.length > 0 || ca !== undefined;
}

function isName(entry: string): boolean {
  return ipVersion(entry.split('/')[0] ?? '') === 0;
}
