import type { Clock } from '../../clock/clock.js';
import type { Incoming } from '../dialog/incoming.js';
import type { ProxyLayer } from '../proxy/proxy-layer.js';
import { appText } from './app-text.js';
import { CommandError } from './command-error.js';
import { MAX_FRAME } from './frame.js';
import type { ControlSession } from './session.js';
import type { SipText } from './sip-text.js';
import { branchReply, doneReply, type ProxyCommand } from './wire.js';

const META_ROOM = 512;
const MAX_DESTINATIONS = 64;

/** Does an app's `proxy` command; replies as its branches end. Throws CommandError or DialogError when it can't be begun. */
export function proxyRequest(
  proxy: ProxyLayer,
  clock: Clock,
  session: ControlSession,
  command: ProxyCommand,
  text: SipText,
  incoming: Incoming | undefined,
): void {
  if (!incoming) throw new CommandError(`Unknown transaction id: ${command.transaction}`);
  if (command.destinations.length > MAX_DESTINATIONS) throw new CommandError('Too many destinations');
  const tooFar = incoming.request.maxForwards === 0;
  const options = {
    destinations: command.destinations,
    headers: text.headers.filter(([name]) => !/^(content-length|l)$/i.test(name)),
    recordRoute: command.recordRoute,
    followRedirects: command.followRedirects,
    simultaneous: command.simultaneous,
    provisionalTimeout: command.provisionalTimeout,
    finalTimeout: command.finalTimeout,
  };
  proxy.start(incoming, options, {
    onDone: (results) => {
      if (!command.fullResponse || tooFar) return;
      for (const { response, remote } of results) {
        const bytes = appText(response);
        if (bytes.length > MAX_FRAME - META_ROOM) continue;
        const meta = { source: 'network' as const, bytes: bytes.length, time: clock.now(), ...remote };
        session.send(branchReply(command.id, meta), bytes);
      }
      session.send(doneReply(command.id));
    },
  });
  if (tooFar) throw new CommandError('Rejected with 483 Too Many Hops due to Max-Forwards');
  if (!command.fullResponse) session.send(doneReply(command.id));
}
