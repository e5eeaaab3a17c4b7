import type { HistoryEvent, Registration } from './history.js';

/** What a history says. Of all but the figures there should be nothing. */
export interface Verdict {
  /** Registrations that were acknowledged and that the site does not have. */
  readonly lost: readonly string[];
  /** A device got more than one INVITE of a call, the node of the one before being alive. */
  readonly invitedTwice: readonly string[];
  /** Apple got more than one push of a call for a device. */
  readonly pushedTwice: readonly string[];
  /** The caller never heard. */
  readonly unanswered: readonly string[];
  /** A call in quiet times was not answered. */
  readonly failedInCalm: readonly string[];
  readonly calls: number;
  /** Calls whose phone rang. */
  readonly rang: number;
  /** Calls that were answered. */
  readonly answered: number;
  /** Calls that a phone got a second INVITE of because the node of the first had lost its power. */
  readonly invitedAgain: number;
  /**
   * Calls that a device got a second push of because their node could not tell Redis of them, and lost its power: no other one could know.
   */
  readonly pushedAgain: number;
}

type Of<T extends HistoryEvent['type']> = Extract<HistoryEvent, { readonly type: T }>;

/** An INVITE may reach its phone so long after its node has gone, in milliseconds. */
const IN_FLIGHT = 100;

/** Judges a history. Knows nothing else. */
export function check(history: readonly HistoryEvent[]): Verdict {
  const of = <T extends HistoryEvent['type']>(type: T): Of<T>[] =>
    history.filter((event): event is Of<T> => event.type === type).sort((a, b) => a.at - b.at);
  const calls = of('called');
  const finals = new Map(of('final').map(({ callUuid, status }) => [callUuid, status]));
  const rang = new Set(of('rang').map(({ callUuid }) => callUuid));
  const isAnswered = ({ callUuid }: Of<'called'>): boolean => Math.floor((finals.get(callUuid) ?? 0) / 100) === 2;
  const unclaimed = of('unclaimed');
  const pushed = repeated(of('pushed')).map(([first, second]) => ({
    name: nameOf(second),
    callUuid: second.callUuid,
    excused: of('fault').some(
      ({ fault, node, at }) =>
        fault === 'power-off' &&
        at >= first.at - IN_FLIGHT &&
        at <= second.at &&
        unclaimed.some((own) => own.node === node && own.callUuid === first.callUuid && own.at <= at),
    ),
  }));
  const again = repeated(of('invited')).map(([first, second]) => ({
    name: nameOf(second),
    callUuid: second.callUuid,
    excused: of('fault').some(
      ({ fault, node, at }) =>
        fault === 'power-off' &&
        node === first.node &&
        at >= first.at - IN_FLIGHT &&
        at <= second.at &&
        node !== second.node,
    ),
  }));
  return {
    lost: lostOf(of('registered'), of('kept')),
    invitedTwice: again.filter(({ excused }) => !excused).map(({ name }) => name),
    pushedTwice: pushed.filter(({ excused }) => !excused).map(({ name }) => name),
    unanswered: calls.filter(({ callUuid }) => !finals.has(callUuid)).map(({ callUuid }) => callUuid),
    failedInCalm: calls.filter((call) => call.calm && !isAnswered(call)).map(({ callUuid }) => callUuid),
    calls: calls.length,
    rang: calls.filter(({ callUuid }) => rang.has(callUuid)).length,
    answered: calls.filter(isAnswered).length,
    invitedAgain: callsOf(again.filter(({ excused }) => excused)),
    pushedAgain: callsOf(pushed.filter(({ excused }) => excused)),
  };
}

function callsOf(events: readonly { readonly callUuid: string }[]): number {
  return new Set(events.map(({ callUuid }) => callUuid)).size;
}

/** The last acknowledged REGISTER of each device has to be there, or a later one of the same phone whose answer got lost. */
function lostOf(acknowledged: readonly Registration[], kept: readonly Registration[]): string[] {
  const last = new Map(acknowledged.map((registration) => [registration.device, registration]));
  return [...last.values()].flatMap(({ device, aor, callId, cseq }) => {
    const there = kept.some(
      (found) => found.device === device && found.aor === aor && found.callId === callId && found.cseq >= cseq,
    );
    return there ? [] : [`${device} ${callId} ${cseq}`];
  });
}

/** Each event after the first one for the same device and call, with the one before it. */
function repeated<T extends { readonly device: string; readonly callUuid: string }>(events: readonly T[]): [T, T][] {
  const latest = new Map<string, T>();
  return events.flatMap((event): [T, T][] => {
    const before = latest.get(nameOf(event));
    latest.set(nameOf(event), event);
    return before === undefined ? [] : [[before, event]];
  });
}

function nameOf({ device, callUuid }: { readonly device: string; readonly callUuid: string }): string {
  return `${device} ${callUuid}`;
}
