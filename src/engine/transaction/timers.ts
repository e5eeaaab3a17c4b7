/** Timers of RFC 3261 section 17 in milliseconds. */
export interface TimerSettings {
  /** Round-trip time estimate; 500. */
  readonly T1: number;
  /** Longest interval between retransmissions of non-INVITE requests and INVITE responses; 4000. */
  readonly T2: number;
  /** Longest time a message stays in the network; 5000. */
  readonly T4: number;
  /** First INVITE retransmission over UDP; T1. */
  readonly A: number;
  /** INVITE without any response; 64*T1. */
  readonly B: number;
  /** INVITE without a final response after a provisional one; none (undefined) by default: the user decides how long a phone may ring. */
  readonly C: number | undefined;
  /** Wait for retransmitted finals to an INVITE; 32 s over UDP, 0 otherwise. */
  readonly D: number;
  /** First retransmission of another request over UDP; T1. */
  readonly E: number;
  /** Other request without a final response; 64*T1. */
  readonly F: number;
  /** First retransmission of a final response to an INVITE over UDP; T1. */
  readonly G: number;
  /** Wait for the ACK; 64*T1. */
  readonly H: number;
  /** Wait for retransmitted ACKs over UDP; T4. */
  readonly I: number;
  /** Wait for retransmissions of another request over UDP; 64*T1. */
  readonly J: number;
  /** Wait for retransmitted responses over UDP; T4. */
  readonly K: number;
  /** Server's Accepted state (RFC 6026); 64*T1. */
  readonly L: number;
  /** Client's Accepted state (RFC 6026); 64*T1. */
  readonly M: number;
  /** Automatic 100 to a request that is no INVITE (RFC 4320): when Timer E reaches T2. */
  readonly trying: number;
}

/** Fills in every timer from the few that are given; those that RFC 3261 derives from T1, T2 and T4 follow these. */
export function timerSettings(given: Partial<TimerSettings> = {}): TimerSettings {
  const T1 = given.T1 ?? 500;
  const T2 = given.T2 ?? 4000;
  const T4 = given.T4 ?? 5000;
  const long = 64 * T1;
  let trying = 0;
  for (let interval = T1; interval < T2; interval *= 2) trying += interval;
  return {
    T1,
    T2,
    T4,
    A: T1,
    B: long,
    C: undefined,
    D: 32_000,
    E: T1,
    F: long,
    G: T1,
    H: long,
    I: T4,
    J: long,
    K: T4,
    L: long,
    M: long,
    trying,
    ...given,
  };
}
