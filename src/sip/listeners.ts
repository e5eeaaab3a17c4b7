/** Where the engine takes SIP over a transport, as `192.0.2.1:5060`, from its list `udp/192.0.2.1:5060,tcp/192.0.2.1:5060`. */
export function listenerFor(hostports: string, transport: string): string | undefined {
  for (const entry of hostports.split(',')) {
    const slash = entry.indexOf('/');
    if (entry.slice(0, slash).toLowerCase() === transport) return entry.slice(slash + 1);
  }
  return undefined;
}
