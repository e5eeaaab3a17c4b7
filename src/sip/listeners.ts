/** Where the engine takes SIP over a transport, as `192.0.2.1:5060`, from its list `udp/192.0.2.1:5060,tcp/192.0.2.1:5060`. */
export function listenerFor(hostports: string, transport: string): string | undefined {
  for (const entry of hostports.split(',')) {
    const slash = entry.indexOf('/');
    if (entry.slice(0, slash).toLowerCase() === transport) return entry.slice(slash + 1);
  }
  return undefined;
}

/** Whether the engine listens at that host, over whatever transport. */
export function listensAt(hostports: string, host: string): boolean {
  return hostports.split(',').some((entry) => {
    const address = entry.slice(entry.indexOf('/') + 1);
    return address.slice(0, address.lastIndexOf(':')).toLowerCase() === host;
  });
}
