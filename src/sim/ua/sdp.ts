/** What an SDP body of the simulators says. */
export interface SdpOptions {
  readonly address: string;
  readonly port: number;
  /** Session version, to be raised with every new offer of a dialog. */
  readonly version?: number;
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** `o=` user and `s=` line. */
  readonly name?: string;
}

/** An offer of one audio stream (RFC 3264): G.722, PCMU, PCMA and DTMF events. */
export function sdpOffer(options: SdpOptions): string {
  return sdp(options, ['9', '0', '8', '101']);
}

/** An answer to `offer`: the first codec of its audio line that we know, and the mirrored direction. */
export function sdpAnswer(offer: string, options: SdpOptions): string {
  const audio = /^m=audio \d+ \S+ ([\d ]+)/m.exec(offer)?.[1]?.trim().split(/ +/) ?? [];
  const known = audio.filter((type) => type in RTPMAP && type !== '101');
  const types = [known[0] ?? '0', ...(audio.includes('101') ? ['101'] : [])];
  const theirs = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(offer)?.[1];
  const mirrored = theirs === 'sendonly' ? 'recvonly' : theirs === 'recvonly' ? 'sendonly' : theirs;
  const direction =
    mirrored === 'inactive' || mirrored === 'recvonly' || mirrored === 'sendonly' ? mirrored : 'sendrecv';
  return sdp({ ...options, direction: options.direction ?? direction }, types);
}

const RTPMAP: Readonly<Record<string, string>> = {
  '9': 'G722/8000',
  '0': 'PCMU/8000',
  '8': 'PCMA/8000',
  '101': 'telephone-event/8000',
};

function sdp(options: SdpOptions, types: readonly string[]): string {
  const { address, port, version = 1, direction = 'sendrecv', name = 'callwake-sim' } = options;
  const family = address.includes(':') ? 'IP6' : 'IP4';
  const lines = [
    'v=0',
    `o=${name} ${port} ${version} IN ${family} ${address}`,
    `s=${name}`,
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${types.join(' ')}`,
    ...types.map((type) => `a=rtpmap:${type} ${RTPMAP[type] ?? 'PCMU/8000'}`),
    ...(types.includes('101') ? ['a=fmtp:101 0-15'] : []),
    `a=${direction}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}
