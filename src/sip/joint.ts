import type { Clock } from '../clock/clock.js';
import type { Binding } from '../devices/types.js';
import { DialogWatch } from './dialog-watch.js';
import type { Dialogs } from './dialogs.js';
import type { Drachtio, SrfRequest, SrfResponse } from './drachtio.js';
import { firstHeader, type HeaderRecord, headerLines, toRecord } from './header-lines.js';
import { inDialog, type PendingAck, passable, type RelayNote, relay } from './relay.js';

/** Which of the two sides of a joined call. */
export type Side = 'caller' | 'device';

/** Sends something on: to where the dialog goes, or to where the device has moved. */
type Go = (moved?: Binding) => void;

/** Holds a request toward a phone that sleeps. Gives the way to withdraw it. */
export type Hold = (go: Go, refuse: (status: number, reason: string) => void) => () => void;

export interface JointOptions {
  readonly drachtio: Drachtio;
  readonly dialogs: Dialogs;
  readonly callerDialogId: string;
  readonly deviceDialogId: string;
  /** The ACK that the device's 2xx is waiting for; undefined if it has been sent. */
  readonly initialAck?: PendingAck | undefined;
  /** The call was joined by a process that is gone: what that one knew of ACKs under way is lost. */
  readonly resumed?: boolean | undefined;
  /** The engine doesn't hand over what comes in these dialogs: ask both ends whether they are still there. */
  readonly watch?: Clock | undefined;
  /** Which sides are phones; default: none. */
  readonly isPhone?: (side: Side) => boolean;
  readonly onHangUp: (by: Side | 'operator') => void;
  /** The two are not joined any more. */
  readonly onOver?: (() => void) | undefined;
  /** A request of this side came. */
  readonly onRequest?: ((side: Side, req: SrfRequest) => void) | undefined;
  /** A message came from, or went to, that side; of a BYE that comes `onHangUp` tells. */
  readonly note?: ((side: Side, way: 'in' | 'out', method: string, status?: number) => void) | undefined;
  /** The Refer-To of a REFER as the other side has to get it, whatever dialog its Replaces names. */
  readonly referTo?: ((value: string) => string) | undefined;
  /** What holds requests toward each side while its phone sleeps; without it they go on at once. */
  readonly holdFor?: Readonly<Partial<Record<Side, Hold | undefined>>>;
}

/**
 * Two dialogs joined so that they look like one: whatever comes inside one goes on inside the other (RFC 3261 12.2), offers and
 * answers in whatever message they come, until a BYE.
 */
export class Joint {
  readonly #options: JointOptions;
  /** ACKs that are due toward the other side once this side's ACK has come. */
  readonly #acksDue = new Map<Side, PendingAck[]>([
    ['caller', []],
    ['device', []],
  ]);
  readonly #watch: DialogWatch | undefined;
  /** Re-INVITEs of each side that have no final answer. */
  readonly #inviting = new Map<Side, number>([
    ['caller', 0],
    ['device', 0],
  ]);
  #over = false;

  constructor(options: JointOptions) {
    this.#options = options;
    const { drachtio, dialogs, callerDialogId, deviceDialogId, initialAck, watch } = options;
    if (watch !== undefined) {
      this.#watch = new DialogWatch({
        drachtio,
        clock: watch,
        dialogIds: [callerDialogId, deviceDialogId],
        onGone: (id) => this.#onGone(id === callerDialogId ? 'caller' : 'device'),
      });
    }
    if (initialAck !== undefined) this.#acksDue.get('caller')?.push(initialAck);
    dialogs.set(callerDialogId, (req, res) => this.#handle('caller', req, res));
    dialogs.set(deviceDialogId, (req, res) => this.#handle('device', req, res));
  }

  /** Hangs up on both sides, as an operator wants it. */
  end(reason: string): void {
    if (this.#over) return;
    this.#hangUp('operator', () => {
      this.#sendBye('caller', { Reason: reason });
      this.#sendBye('device', { Reason: reason });
    });
  }

  /** Tells first why it is over, so that what is sent for it comes after that in the call's timeline. */
  #hangUp(by: Side | 'operator', send: () => void): void {
    this.#close();
    try {
      this.#options.onHangUp(by);
    } finally {
      send();
    }
  }

  #handle(side: Side, req: SrfRequest, res: SrfResponse): void {
    this.#options.onRequest?.(side, req);
    if (req.method !== 'BYE') this.#options.note?.(side, 'in', req.method);
    switch (req.method) {
      case 'ACK':
        this.#onAck(side, req);
        return;
      case 'BYE':
        this.#onBye(side, req, res);
        return;
      case 'INVITE':
        this.#onInvite(side, req, res);
        return;
      default:
        this.#pass(side, req, res, this.#referTo(req));
    }
  }

  /** Two re-INVITEs that cross: 491 for the one that came second (RFC 3261 14.2). */
  #onInvite(side: Side, req: SrfRequest, res: SrfResponse): void {
    const { drachtio } = this.#options;
    if ((this.#inviting.get(other(side)) ?? 0) > 0) {
      drachtio.respond(res, 491, 'Request Pending');
      this.#options.note?.(side, 'out', 'INVITE', 491);
      return;
    }
    this.#inviting.set(side, (this.#inviting.get(side) ?? 0) + 1);
    let counted = true;
    const onFinal = (): void => {
      if (counted) this.#inviting.set(side, (this.#inviting.get(side) ?? 1) - 1);
      counted = false;
    };
    const withdraw = this.#pass(side, req, res, {}, onFinal);
    req.on('cancel', () => {
      this.#options.note?.(side, 'in', 'CANCEL');
      onFinal();
      withdraw();
    });
  }

  /** Sends a request on to the other side. Gives the way to withdraw it while it waits for a device. */
  #pass(
    side: Side,
    req: SrfRequest,
    res: SrfResponse,
    extra: HeaderRecord,
    onFinal: () => void = () => {},
  ): () => void {
    const { drachtio, note: tell } = this.#options;
    const note: RelayNote = (end, ...message) => tell?.(end === 'here' ? side : other(side), ...message);
    const onAckDue = (ack: PendingAck): void => void this.#acksDue.get(side)?.push(ack);
    return this.#toward(
      other(side),
      (moved) => {
        const phones = { here: this.#isPhone(side), there: this.#isPhone(other(side)) };
        const end = { dialogId: this.#dialogId(other(side)), moved, phones, note };
        relay(drachtio, req, res, end, onAckDue, extra, onFinal);
      },
      (status, reason) => {
        onFinal();
        drachtio.respond(res, status, reason);
        note('here', 'out', req.method, status);
      },
    );
  }

  #referTo(req: SrfRequest): HeaderRecord {
    if (req.method !== 'REFER') return {};
    const given = firstHeader(headerLines(req.msg.raw), 'refer-to');
    const changed = given === undefined ? undefined : this.#options.referTo?.(given);
    return changed === undefined || changed === given ? {} : { 'Refer-To': changed };
  }

  #onAck(side: Side, req: SrfRequest): void {
    const { drachtio, resumed, note } = this.#options;
    const unknown: PendingAck | undefined = resumed
      ? (headers, body) => drachtio.ackInDialog(this.#dialogId(other(side)), headers, body)
      : undefined;
    const ack = this.#acksDue.get(side)?.shift() ?? unknown;
    if (ack === undefined) return;
    const body = req.msg.body ?? '';
    ack(toRecord(passable(req.msg, body, this.#isPhone(side))), body);
    note?.(other(side), 'out', 'ACK');
  }

  #onBye(side: Side, req: SrfRequest, res: SrfResponse): void {
    const answered = req.source === 'network';
    if (answered) this.#options.drachtio.respond(res, 200, 'OK');
    if (this.#over) return;
    const headers = toRecord(passable(req.msg, req.msg.body ?? '', this.#isPhone(side)));
    const bye = (moved?: Binding): void => this.#sendBye(other(side), headers, req.msg.body, moved);
    this.#hangUp(side, () => {
      if (answered) this.#options.note?.(side, 'out', 'BYE', 200);
      this.#toward(other(side), bye, () => bye());
    });
  }

  #onGone(side: Side): void {
    if (this.#over) return;
    this.#hangUp(side, () => this.#sendBye(other(side), { Reason: 'SIP;cause=481;text="Call does not exist"' }));
  }

  /** Sends something to a side, when it can take it. */
  #toward(to: Side, go: Go, refuse: (status: number, reason: string) => void): () => void {
    const hold = this.#options.holdFor?.[to];
    if (hold !== undefined) return hold(go, refuse);
    go();
    return () => {};
  }

  /** A BYE toward a side whose 2xx was never acknowledged goes after the ACK. */
  #sendBye(to: Side, headers: HeaderRecord, body = '', moved?: Binding): void {
    const { note } = this.#options;
    for (const ack of this.#acksDue.get(other(to)) ?? []) {
      ack({}, '');
      note?.(to, 'out', 'ACK');
    }
    this.#acksDue.set(other(to), []);
    const bye = { method: 'BYE', ...inDialog({ dialogId: this.#dialogId(to), moved }), headers, body };
    this.#options.drachtio.request(bye, (_error, sent) => {
      if (sent === undefined) return;
      note?.(to, 'out', 'BYE');
      sent.on('response', ({ status }: SrfResponse) => note?.(to, 'in', 'BYE', status));
    });
  }

  #close(): void {
    this.#over = true;
    this.#watch?.stop();
    const { dialogs, callerDialogId, deviceDialogId } = this.#options;
    dialogs.delete(callerDialogId);
    dialogs.delete(deviceDialogId);
    this.#options.onOver?.();
  }

  #isPhone(side: Side): boolean {
    return this.#options.isPhone?.(side) ?? false;
  }

  #dialogId(side: Side): string {
    return side === 'caller' ? this.#options.callerDialogId : this.#options.deviceDialogId;
  }
}

function other(side: Side): Side {
  return side === 'caller' ? 'device' : 'caller';
}
