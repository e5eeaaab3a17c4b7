import type { Device } from '../../devices/types.js';

/**
 * Brings together what two nodes have made of the same devices while they could not see each other: what only one of them changed is as
 * that one left it; of a device that both changed the later REGISTER counts, with the bindings and tokens that the other one added.
 * @param base what both began with @param ours what this node made of it @param theirs what others made of it
 */
export function mergeDevices(
  base: readonly Device[],
  ours: readonly Device[],
  theirs: readonly Device[],
): readonly Device[] {
  const ids = new Set([...theirs, ...ours].map(({ id }) => id));
  return [...ids].flatMap((id): Device[] => {
    const [was, own, other] = [base, ours, theirs].map((devices) => devices.find((device) => device.id === id));
    if (own === undefined) return other === undefined || same(was, other) ? [] : [other];
    if (other === undefined) return same(was, own) ? [] : [own];
    if (same(was, own)) return [other];
    if (same(was, other)) return [own];
    const [later, earlier] = own.seenAt >= other.seenAt ? [own, other] : [other, own];
    return [together(was, later, earlier)];
  });
}

function together(was: Device | undefined, later: Device, earlier: Device): Device {
  const added = <T>(list: (device: Device) => readonly T[], key: (item: T) => string): T[] => {
    const known = new Set([...list(later), ...(was === undefined ? [] : list(was))].map(key));
    return list(earlier).filter((item) => !known.has(key(item)));
  };
  return {
    ...later,
    bindings: [
      ...later.bindings,
      ...added(
        ({ bindings }) => bindings,
        ({ uri, path, regId }) => [uri, regId, ...path].join(' '),
      ),
    ],
    tokens: [
      ...later.tokens,
      ...added(
        ({ tokens }) => tokens,
        ({ kind, teamId, bundleId }) => [kind, teamId, bundleId].join(' '),
      ),
    ],
  };
}

function same(a: Device | undefined, b: Device | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
