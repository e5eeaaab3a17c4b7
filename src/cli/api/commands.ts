import { Argument, type Command, Option } from 'commander';
import { durationArgument, lifetimeArgument, wholeArgument } from '../arguments.js';
import type { CommandContext } from './command.js';

const REASONS = [
  'answered',
  'cancelled',
  'not-woken',
  'push-failed',
  'unreachable',
  'rejected',
  'no-answer',
  'cleared',
  'overload',
  'shutdown',
  'failed',
];

/** The options by which a command finds the API. */
export function apiOptions(command: Command, defaultConfig: string): Command {
  return command
    .addOption(new Option('-c, --config <file>', 'configuration, YAML: where the API is').default(defaultConfig))
    .option('--url <url>', "the API of another machine's callwake, such as https://callwake2.corp.example:8080")
    .option('--token <token>', 'its bearer token; default: one signed with api.jwt.secret');
}

/** Adds the commands that ask a callwake that runs. */
export function addApiCommands(program: Command, defaultConfig: string, context: CommandContext): void {
  const command = (name: string, description: string): Command =>
    apiOptions(program.command(name).description(description), defaultConfig).option('--json', 'as JSON');
  command('status', 'how a callwake that runs does: calls, wake times, trunks, Apple, alarms').action(
    async (options) => {
      const { runStatus } = await import('./status.js');
      await runStatus(options, context);
    },
  );
  command('calls', 'calls under way and the last ones that are over, the newest first')
    .option('--text <text>', 'part of a number, Call-ID, Session-ID or call UUID')
    .addOption(new Option('--state <state>', 'only those').choices(['held', 'ringing', 'up', 'over']))
    .addOption(new Option('--reason <reason>', 'only those that ended so').choices(REASONS))
    .option('--since <duration>', 'only those of the last 30m, 12h, 2d', lifetimeArgument)
    .option('--limit <n>', 'how many at most', wholeArgument(1, 1000), 20)
    .addOption(new Option('-f, --follow', 'go on with what changes, until Ctrl-C').conflicts('folder'))
    .option('--folder <folder>', 'read the files that callwake wrote (timeline.folder), without asking it')
    .action(async (options) => {
      const { runCalls } = await import('./calls.js');
      await runCalls(options, context);
    });
  const call = 'call UUID, Call-ID or Session-ID';
  command('end', 'end a call: BYE to both sides, or 480 to the caller when it is not answered')
    .argument('<call>', call)
    .action(async (id: string, options) => {
      const { runEnd } = await import('./call-control.js');
      await runEnd(id, options, context);
    });
  command('push-again', 'push once more to phones that a held call waits for; exit code 0 when Apple took it')
    .argument('<call>', call)
    .argument('[device]', 'id of one of its devices; default: all that have not come')
    .action(async (id: string, device: string | undefined, options) => {
      const { runPushAgain } = await import('./call-control.js');
      await runPushAgain(id, device, options, context);
    });
  const user = 'sip:2001@corp.example, or 2001 for the first domain';
  command('devices', 'the phones of a user, or those that fit: which sleep, and why')
    .argument('[aor]', user)
    .option('--text <text>', "part of the address, id, device name, User-Agent or of a token's hash; or a whole token")
    .addOption(
      new Option('--state <state>', 'only those').choices(['active', 'suspended', 'unregistered', 'unreachable']),
    )
    .addOption(new Option('--platform <platform>', 'only those').choices(['iphone', 'ipad', 'other']))
    .option('--limit <n>', 'of how many users at most', wholeArgument(1, 200), 50)
    .action(async (aor: string | undefined, options) => {
      const { runDevices } = await import('./devices.js');
      await runDevices(aor, options, context);
    });
  command('refused-tokens', 'phones whose push token Apple refused for good, the oldest first')
    .option('--since <duration>', 'in the last 12h, 7d; at most 90d', lifetimeArgument, 7 * 86_400_000)
    .action(async (options) => {
      const { runRefusedTokens } = await import('./refused-tokens.js');
      await runRefusedTokens(options, context);
    });
  command('dead-messages', 'messages that could not be delivered, the oldest first, without their text').action(
    async (options) => {
      const { runDeadMessages } = await import('./dead-messages.js');
      await runDeadMessages(options, context);
    },
  );
  const id = "its id, the beginning of it, or Cisco's device name";
  command('device', 'all that is known of a phone; tokens as hashes')
    .argument('<aor>', user)
    .argument('[device]', `${id}; not needed when there is one`)
    .action(async (aor: string, device: string | undefined, options) => {
      const { runDevice } = await import('./devices.js');
      await runDevice(aor, device, options, context);
    });
  command('forget', "forget a phone's push token or bindings, or all of it, until it registers again")
    .argument('<aor>', user)
    .argument('<device>', id)
    .addArgument(new Argument('<what>').choices(['voip-token', 'alert-token', 'bindings', 'device']))
    .action(async (aor: string, device: string, what, options) => {
      const { runForget } = await import('./devices.js');
      await runForget(aor, device, what, options, context);
    });
  command('forget-user', 'forget everything that is kept of a user: phones, tokens, password, messages, timelines')
    .argument('<aor>', user)
    .action(async (aor: string, options) => {
      const { runForgetUser } = await import('./forget-user.js');
      await runForgetUser(aor, options, context);
    });
  command('trunks', 'the trunks with the state of each peer').action(async (options) => {
    const { runTrunks } = await import('./status.js');
    await runTrunks(options, context);
  });
  command('alarms', 'what is wrong and what to do about it')
    .option('--history', 'what was raised, happened and was cleared, the newest first, over restarts')
    .option('--name <name>', 'with --history: only this one, such as PushNotificationInvalidDeviceTokenResponse')
    .option('--text <text>', 'with --history: part of the subject or the reason')
    .option('--since <duration>', 'with --history: only those of the last 30m, 12h, 7d', lifetimeArgument)
    .option('--limit <n>', 'with --history: how many at most', wholeArgument(1, 1000), 100)
    .action(async (options) => {
      const { runAlarms } = await import('./status.js');
      await runAlarms(options, context);
    });
  command('refusals', 'what was refused, to whom and why; banned addresses').action(async (options) => {
    const { runRefusals } = await import('./refusals.js');
    await runRefusals(options, context);
  });
  command('unban', 'lift the ban of an address before it ends by itself')
    .argument('<address>', 'as callwake refusals shows it')
    .action(async (address: string, options) => {
      const { runUnban } = await import('./refusals.js');
      await runUnban(address, options, context);
    });
  command('wake', 'wake a phone as a call would and tell each step; exit code 0 when it woke')
    .argument('<aor>', user)
    .argument('[device]', `${id}; default: all, one after the other`)
    .addOption(
      new Option(
        '--mode <mode>',
        'call: as a call does, and the phone shows one for a moment; silent: a background push, which iOS may delay',
      ).choices(['silent', 'call']),
    )
    .action(async (aor: string, device: string | undefined, options) => {
      const { runWake } = await import('./wake.js');
      await runWake(aor, device, options, context);
    });
  command('drain', 'take no new calls; those under way go on')
    .option('--undo', 'take new calls again')
    .option('--wait <duration>', 'end when no call waits for an answer; exit code 1 if some still do', durationArgument)
    .option('--up', 'with --wait: when none is up either')
    .action(async (options) => {
      const { runDrain } = await import('./control.js');
      await runDrain(options, context);
    });
  command('logs', 'the latest lines of the log')
    .addOption(new Option('--level <level>', 'this one and worse ones').choices(['debug', 'info', 'warn', 'error']))
    .option('--text <text>', 'somewhere in the line: a number, a device, a token hash')
    .option('--call <uuid>', 'those of the call with this UUID')
    .option('--since <duration>', 'only those of the last 30s, 10m, 2h', lifetimeArgument)
    .option('--limit <n>', 'how many at most', wholeArgument(1, 1000), 100)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .action(async (options) => {
      const { runLogs } = await import('./logs.js');
      await runLogs(options, context);
    });
  command('log-level', 'how much is logged; set until the process ends')
    .addArgument(new Argument('[level]').choices(['debug', 'info', 'warn', 'error']))
    .action(async (level, options) => {
      const { runLogLevel } = await import('./control.js');
      await runLogLevel(level, options, context);
    });
}
