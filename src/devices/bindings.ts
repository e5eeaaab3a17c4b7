import type { ParsedContact } from './contact.js';
import { RegisterError } from './errors.js';
import { isUriOf } from './identity.js';
import type { Binding, BindingMode, Device, RegisterRequest, Writable } from './types.js';

/** How many replaced URIs a binding remembers. */
const MAX_FORMER = 4;

/**
 * Refuses a REGISTER that is older than the binding it would change: same Call-ID and no higher CSeq (RFC 3261 10.3 step 7).
 * @throws RegisterError 500, as that step wants.
 */
export function checkOrder(binding: Binding, request: RegisterRequest): void {
  if (binding.callId === request.callId && request.cseq <= binding.cseq) {
    throw new RegisterError(500, 'CSeq out of order');
  }
}

/**
 * Whether the binding is what this very REGISTER made, as when the process that stored it died before it could answer: the same
 * REGISTER changes nothing and is answered with what is stored. `shortest` and `longest`: the seconds that may have been granted then.
 */
export function isRepeated(
  binding: Binding,
  contact: ParsedContact,
  request: RegisterRequest,
  shortest: number,
  longest: number,
): boolean {
  const seconds = (binding.expiresAt - binding.registeredAt) / 1000;
  return (
    binding.callId === request.callId &&
    binding.cseq === request.cseq &&
    binding.contact === contact.text &&
    binding.path.join() === request.path.join() &&
    seconds >= shortest &&
    seconds <= longest
  );
}

/** The binding that a Contact makes. */
export function makeBinding(
  contact: ParsedContact,
  request: RegisterRequest,
  now: number,
  grantedSeconds: number,
): Binding {
  const mode = modeOf(request);
  const binding: Writable<Binding> = {
    uri: contact.uri,
    contact: contact.text,
    path: request.path,
    mode,
    registeredAt: now,
    expiresAt: now + grantedSeconds * 1000,
    callId: request.callId,
    cseq: request.cseq,
    q: contact.q,
    source: request.source,
  };
  if (contact.regId !== undefined) binding.regId = contact.regId;
  if (contact.pnsreg) binding.pnsreg = true;
  if (request.flow !== undefined && mode === 'direct') binding.flow = request.flow;
  return binding;
}

/**
 * The bindings of a device after one more Contact. It takes the place of all earlier ones, except those of other flows
 * (reg-id, RFC 5626 section 6) and those made by the same REGISTER (`fresh`).
 * @throws RegisterError 500 when the REGISTER is older than what it would replace.
 */
export function replaceBindings(
  bindings: readonly Binding[],
  added: Binding,
  contact: ParsedContact,
  request: RegisterRequest,
  fresh: ReadonlySet<Binding>,
): readonly Binding[] {
  const replaced = bindings.filter((binding) => {
    if (fresh.has(binding)) {
      return isUriOf(contact, binding.uri) || (added.regId !== undefined && binding.regId === added.regId);
    }
    return added.regId === undefined || binding.regId === undefined || binding.regId === added.regId;
  });
  const former: string[] = [];
  for (const binding of replaced) {
    if (!fresh.has(binding)) checkOrder(binding, request);
    for (const uri of [...(binding.formerUris ?? []), binding.uri]) {
      if (!isUriOf(contact, uri) && !former.includes(uri)) former.push(uri);
    }
  }
  const kept = bindings.filter((binding) => !replaced.includes(binding));
  return [...kept, former.length === 0 ? added : { ...added, formerUris: former.slice(-MAX_FORMER) }];
}

/**
 * The bindings of a device after a Contact with expiry 0: without the one with its URI; or, as the phone may come from a
 * new address by now, without those of its flow. The URI of a binding that was replaced before ends nothing any more.
 * @throws RegisterError 500 when the REGISTER is older than what it would remove.
 */
export function removeBindings(
  device: Device,
  contact: ParsedContact,
  request: RegisterRequest,
  fresh: ReadonlySet<Binding>,
): readonly Binding[] {
  const { bindings } = device;
  let removed = bindings.filter((binding) => isUriOf(contact, binding.uri) && sameFlow(binding, contact));
  if (removed.length === 0 && !bindings.some((binding) => isFormer(binding, contact))) {
    removed = bindings.filter((binding) => !fresh.has(binding) && sameFlow(binding, contact));
  }
  for (const binding of removed) if (!fresh.has(binding)) checkOrder(binding, request);
  return bindings.filter((binding) => !removed.includes(binding));
}

function sameFlow(binding: Binding, contact: ParsedContact): boolean {
  return contact.regId === undefined || binding.regId === undefined || binding.regId === contact.regId;
}

function isFormer(binding: Binding, contact: ParsedContact): boolean {
  return (binding.formerUris ?? []).some((uri) => isUriOf(contact, uri));
}

function modeOf(request: RegisterRequest): BindingMode {
  if (request.path.length > 0) return 'path';
  return request.fromEdge ? 'rewrite' : 'direct';
}
