import type { Clock, Timer } from '../../clock/clock.js';
import { type UnavailableCause, unavailable } from '../admission/index.js';
import type { Dialog } from '../dialog/dialog.js';
import type { Incoming } from '../dialog/incoming.js';
import { IncomingInvite } from '../dialog/incoming-invite.js';
import { ShortLivedMap } from '../short-lived-map.js';
import { appText } from './app-text.js';
import { MAX_FRAME } from './frame.js';
import { withPeerCertificate } from './peer-certificate.js';
import type { RouteTable } from './routes.js';
import { ControlSession } from './session.js';
import { sipEvent } from './wire.js';

export interface DispatcherOptions {
  clock: Clock;
  routes: RouteTable<ControlSession>;
  /** Milliseconds that a request in a dialog waits for an app when none is connected. 8 s. */
  dialogWait?: number | undefined;
  /** Milliseconds that a request outside any dialog waits for an app when the last one has just died. 0. */
  successorWait?: number | undefined;
  /** A request got 503 here. */
  onRefused?: ((cause: UnavailableCause) => void) | undefined;
}

/** How often one request is handed to the next app because the last one died within {@link SUSPICIOUS} of getting it. */
const MAX_SUSPICIONS = 4;
/** Milliseconds within which an app that dies may have died of what it got. A call that is held for long may outlive many apps. */
const SUSPICIOUS = 400;
/** How often it is handed over in all. */
const MAX_DELIVERIES = 40;
/** How many apps died while they had a request, and how many of them soon after they got it. */
interface Deaths {
  readonly soon: number;
  readonly all: number;
}

/** A request that an app has and has not answered. */
interface Pending {
  readonly incoming: Incoming;
  readonly deaths: Deaths;
  /** When the app got it, monotonic milliseconds. */
  readonly at: number;
}

const NONE: Deaths = { soon: 0, all: 0 };

/** Milliseconds until apps that didn't know a dialog are asked again. */
const SEARCH_AGAIN = 250;
const META_ROOM = 512;
/** Requests outside any dialog that wait for an app's successor. */
const MAX_WAITING = 20_000;
/** Requests outside any dialog, besides INVITE, that do no harm when an app gets them although the one before may have acted on them. */
const REPEATABLE: ReadonlySet<string> = new Set(['OPTIONS', 'REGISTER']);

/** What an app may be expected to route sooner or later; anything else that nobody routes gets 501 (RFC 3261 section 21.5.2). */
const METHODS: ReadonlySet<string> = new Set(
  'INVITE BYE REGISTER OPTIONS PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE'.split(' '),
);

/**
 * Hands requests to apps: new ones round robin, those in a dialog to the app that has it. When an app's connection dies, INVITEs it did not answer go to the next
 * one that takes INVITEs, and requests in its dialogs to whoever is there.
 */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #routes: RouteTable<ControlSession>;
  readonly #dialogWait: number;
  readonly #successorWait: number;
  readonly #onRefused: (cause: UnavailableCause) => void;
  /** Monotonic milliseconds up to which an app that died may be followed by another. */
  #successorDue = Number.NEGATIVE_INFINITY;
  readonly #owners = new Map<Dialog, ControlSession>();
  readonly #alone = new WeakSet<Incoming>();
  readonly #pending = new ShortLivedMap<string, Pending>();
  readonly #searches = new WeakMap<Incoming, { readonly asked: Set<ControlSession>; readonly until: number }>();
  readonly #waiting = new Map<Incoming, { timer: Timer | undefined; deaths: Deaths }>();

  constructor(options: DispatcherOptions) {
    this.#clock = options.clock;
    this.#routes = options.routes;
    this.#dialogWait = options.dialogWait ?? 8_000;
    this.#successorWait = options.successorWait ?? 0;
    this.#onRefused = options.onRefused ?? (() => {});
  }

  /** A request came in. */
  dispatch(incoming: Incoming): void {
    if (incoming.dialog) this.#dispatchInDialog(incoming, incoming.dialog);
    else {
      const session = this.#pick(incoming.method);
      if (session) this.#hand(incoming, session);
      else this.#waitForSuccessor(incoming);
    }
  }

  /** Gives a request to one app and no other: when that one dies, the request gets 480. */
  handTo(incoming: Incoming, session: ControlSession): void {
    this.#alone.add(incoming);
    this.#hand(incoming, session);
  }

  /** The app that acts on a dialog has it from now on. */
  own(dialog: Dialog, session: ControlSession): void {
    if (dialog.state !== 'terminated') this.#owners.set(dialog, session);
  }

  forget(dialog: Dialog): void {
    this.#owners.delete(dialog);
  }

  settled(incoming: Incoming): void {
    this.#pending.delete(incoming.id);
    this.#waiting.get(incoming)?.timer?.cancel();
    this.#waiting.delete(incoming);
  }

  /** Who was handed the request last. */
  handler(incoming: Incoming): ControlSession | undefined {
    const session = incoming.handledBy;
    return session instanceof ControlSession && !session.closed ? session : undefined;
  }

  /** The app for what belongs to a dialog: its owner, or whoever would get a request in it. */
  ownerOf(dialog: Dialog, method: string): ControlSession | undefined {
    const owner = this.#owners.get(dialog);
    return owner && !owner.closed ? owner : this.#adopter(dialog, method);
  }

  /**
   * An app does not know the dialog of a request that it was handed. If whoever had the dialog is gone and there are several apps, the
   * others are asked, and for a while all of them again: one of them may be about to take over what that one has left. Gives whether it
   * is seen to.
   */
  disowned(incoming: Incoming, session: ControlSession): boolean {
    const { dialog } = incoming;
    if (dialog === undefined || this.#owners.get(dialog)?.closed === false) return false;
    const now = this.#clock.monotonic();
    const search = this.#searches.get(incoming) ?? { asked: new Set(), until: now + this.#dialogWait };
    search.asked.add(session);
    this.#searches.set(incoming, search);
    const next = this.#routes.next('invite', (other) => other.ready && !search.asked.has(other));
    if (next !== undefined) {
      this.#hand(incoming, next);
      return true;
    }
    const alone = [...search.asked].filter((other) => !other.closed).length < 2;
    if (alone || now > search.until) return false;
    search.asked.clear();
    this.#clock.setTimeout(() => {
      if (!incoming.pending) return;
      const owner = this.ownerOf(dialog, incoming.method);
      if (owner === undefined) this.#wait(incoming);
      else this.#hand(incoming, owner);
    }, SEARCH_AGAIN);
    return true;
  }

  /** An app asked for a verb: it gets what waits for one like it. */
  routed(session: ControlSession, verb: string): void {
    for (const [incoming, { timer, deaths }] of [...this.#waiting]) {
      const fits = incoming.method.toLowerCase() === verb || (incoming.dialog !== undefined && verb === 'invite');
      if (!fits || !session.ready) continue;
      timer?.cancel();
      this.#waiting.delete(incoming);
      this.#hand(incoming, session, deaths);
    }
  }

  /** The app's connection died. */
  gone(session: ControlSession): void {
    this.#successorDue = this.#clock.monotonic() + this.#successorWait;
    for (const { incoming, deaths, at } of this.#pending.values()) {
      if (incoming.handledBy !== session) continue;
      this.#pending.delete(incoming.id);
      const soon = this.#clock.monotonic() - at < SUSPICIOUS ? 1 : 0;
      this.#redeliver(incoming, { soon: deaths.soon + soon, all: deaths.all + 1 });
    }
  }

  #redeliver(incoming: Incoming, deaths: Deaths): void {
    if (this.#alone.has(incoming)) {
      incoming.reject(480);
      return;
    }
    const initial = incoming.request.toTag === undefined;
    const again = incoming instanceof IncomingInvite || (this.#successorWait > 0 && REPEATABLE.has(incoming.method));
    if (deaths.soon >= MAX_SUSPICIONS || deaths.all >= MAX_DELIVERIES || (initial && !again)) {
      this.#refuse(incoming, again ? 'application lost again and again' : 'application lost');
      return;
    }
    if (incoming instanceof IncomingInvite && initial) incoming.hold();
    const session = this.#pick(incoming.method) ?? (incoming.dialog && this.#adopter(incoming.dialog, incoming.method));
    if (session) this.#hand(incoming, session, deaths);
    else if (incoming instanceof IncomingInvite && initial) this.#waiting.set(incoming, { timer: undefined, deaths });
    else if (initial) this.#waitForSuccessor(incoming, deaths);
    else this.#wait(incoming, deaths);
  }

  #waitForSuccessor(incoming: Incoming, deaths = NONE): void {
    if (!METHODS.has(incoming.method)) {
      incoming.reject(501);
      return;
    }
    const left = this.#successorDue - this.#clock.monotonic();
    if (left > 0 && this.#waiting.size < MAX_WAITING) this.#wait(incoming, deaths, left);
    else this.#refuse(incoming, 'no application connected');
  }

  #dispatchInDialog(incoming: Incoming, dialog: Dialog): void {
    const session = this.ownerOf(dialog, incoming.method);
    if (session) this.#hand(incoming, session);
    else this.#wait(incoming);
  }

  /** A BYE that finds no app is answered at last; anything else gets 503, which leaves the dialog as it is. */
  #wait(incoming: Incoming, deaths = NONE, ms = this.#dialogWait): void {
    const timer = this.#clock.setTimeout(() => {
      this.#waiting.delete(incoming);
      if (!incoming.pending) return;
      if (incoming.method === 'BYE') incoming.reject(200);
      else this.#refuse(incoming, 'no application connected');
    }, ms);
    this.#waiting.set(incoming, { timer, deaths });
  }

  #refuse(incoming: Incoming, cause: UnavailableCause): void {
    this.#onRefused(cause);
    incoming.reject(503, unavailable(cause));
  }

  #adopter(dialog: Dialog, method: string): ControlSession | undefined {
    return this.#pick(method) ?? this.#pick(dialog.method);
  }

  #pick(method: string): ControlSession | undefined {
    return this.#routes.next(method.toLowerCase(), (session) => session.ready);
  }

  #hand(incoming: Incoming, session: ControlSession, deaths = NONE): void {
    const { request, flow } = incoming;
    const text = appText(withPeerCertificate(request, flow));
    if (text.length > MAX_FRAME - META_ROOM) {
      incoming.reject(513);
      return;
    }
    incoming.handledBy = session;
    this.#pending.set(incoming.id, { incoming, deaths, at: this.#clock.monotonic() });
    const meta = {
      source: 'network' as const,
      bytes: text.length,
      protocol: flow.protocol,
      address: flow.remote.address,
      port: flow.remote.port,
      time: this.#clock.now(),
    };
    session.send(sipEvent(meta, incoming.id, incoming.dialog?.id ?? '', flow.local), text);
    if (incoming instanceof IncomingInvite) request.compact();
  }
}
