import { Argument, Command, CommanderError, Option } from 'commander';
import { addApiCommands, apiOptions } from './api/commands.js';
import { collect, durationArgument, lifetimeArgument, wholeArgument } from './arguments.js';
import { SECRET_VARIABLE } from './engine-address.js';
import { CliError, type ExitCode, explainError } from './exit.js';
import { addManual } from './manual.js';
import { addSimCommands } from './sim.js';
import { packageVersion } from './version.js';

const DEFAULT_CONFIG = 'callwake.yaml';

/**
 * Runs the command line and gives the exit code. Errors are told in one sentence on standard error.
 * Commands load what they need when they run: `callwake check` doesn't pay for the simulators.
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = makeProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { message, exitCode: code } = explainError(error);
    process.stderr.write(`${message}\n`);
    return code;
  }
}

/** The command line; `end` gets the exit code of a command that ends with another than 0. */
export function makeProgram(end: (code: number) => void): Command {
  const program = new Command('callwake')
    .description('SIP call notification proxy: holds a call, wakes the sleeping iPhone, hands the call over')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(callwake --help tells more)');
  const config = () => new Option('-c, --config <file>', 'configuration, YAML').default(DEFAULT_CONFIG);
  program
    .command('start')
    .description('run callwake until SIGTERM or Ctrl-C')
    .addOption(config())
    .option(
      '--workers <number>',
      'app processes that share the engine and the work; needs Redis',
      wholeArgument(1, 64),
      1,
    )
    .action(async ({ config: file, workers }) => {
      const { runStart } = await import('./start.js');
      end(await runStart(file, process.env, workers));
    });
  program
    .command('check')
    .description('check a configuration and the files it names; exit code 0 or 2')
    .addOption(config())
    .action(async ({ config: file }) => {
      const { runCheck } = await import('./check.js');
      runCheck(file, process.env, (line) => void process.stdout.write(`${line}\n`));
    });
  addDemo(program, end);
  addSoak(program, end);
  addSimCommands(program);
  program
    .command('ping')
    .description('send a SIP OPTIONS over UDP; exit code 0 when the answer says "in service", as CUCM would take it')
    .argument('<uri>', 'such as sip:127.0.0.1:5060')
    .option('--timeout <duration>', 'how long to wait', durationArgument, 2000)
    .action(async (uri: string, { timeout }) => {
      const { ping } = await import('./ping.js');
      const { status, reason, ms } = await ping(uri, timeout);
      process.stdout.write(`${uri}: ${status} ${reason} after ${ms.toFixed(1)} ms\n`);
      if (status === 408 || status === 503) throw new CliError(`${uri} is out of service.`, 1);
    });
  program
    .command('token')
    .description('a bearer token for the HTTP API, signed with api.jwt.secret')
    .addOption(config())
    .option('--scope <scope>', 'what it allows, such as devices:read (repeatable; see docs/api.md)', collect)
    .option('--expires <duration>', 'how long it is good, such as 15m, 12h or 90d', lifetimeArgument, 3_600_000)
    .option('--subject <name>', 'whom it names in the audit log', 'cli')
    .action(async ({ config: file, scope, expires, subject }) => {
      if (scope === undefined) throw new CliError('Give at least one --scope.', 2);
      const { runToken } = await import('./token.js');
      process.stdout.write(`${runToken(file, process.env, { scope, expires, subject })}\n`);
    });
  addCall(program);
  addApiCommands(program, DEFAULT_CONFIG, {
    env: process.env,
    write: (text) => void process.stdout.write(text),
    end,
  });
  addPushTest(program, end);
  addEngine(program, end);
  program
    .command('completion')
    .description('a script that completes this command line: source <(callwake completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh']))
    .action(async (shell: 'bash' | 'zsh') => {
      const { completionScript } = await import('./completion.js');
      process.stdout.write(completionScript(program, shell));
    });
  program
    .command('app', { hidden: true })
    .addOption(config())
    .option('--with-parent', 'end when standard input closes', false)
    .action(async ({ config: file, withParent }) => {
      const { runAppCommand } = await import('./app.js');
      const code: ExitCode = await runAppCommand(file, process.env, withParent);
      end(code);
    });
  addManual(program);
  return program;
}

function addCall(program: Command): void {
  apiOptions(program.command('call'), DEFAULT_CONFIG)
    .description('what happened to a call: a ladder, or JSON, or a capture file for Wireshark')
    .argument('<id>', 'call UUID, Call-ID or Session-ID')
    .option('--folder <folder>', 'read the files that callwake wrote (timeline.folder), without asking it')
    .addOption(new Option('--json', 'as JSON').conflicts('pcapng'))
    .option('--pcapng <file>', 'write a capture file; with timeline.messages it has the SIP messages')
    .action(async (id: string, options) => {
      const { runCall } = await import('./call.js');
      await runCall(id, process.env, options, (text) => void process.stdout.write(text));
    });
}

function addPushTest(program: Command, end: (code: number) => void): void {
  program
    .command('push-test')
    .description('send one real push and tell step by step what happened; exit code 0 when Apple took it')
    .addOption(new Option('-c, --config <file>', 'configuration, YAML').default(DEFAULT_CONFIG))
    .option('--device <aor or id>', 'a device that has registered: sip:2001@corp.example, or its id')
    .option('--token <hex>', 'or a device token as the phone got it from Apple')
    .option('--topic <topic>', 'with --token: the bundle id, with .voip for a PushKit token')
    .option('--team <id>', "with --token: Apple's team id, if there are several accounts")
    .addOption(
      new Option('--environment <name>', "default: the device's or the account's, else both in turn").choices([
        'production',
        'sandbox',
      ]),
    )
    .option(
      '--alert',
      "with --device: to its token for alerts; the default rings as a call does, until the app finds that there's none",
    )
    .option('--timeout <duration>', 'for each step', durationArgument, 5000)
    .action(async ({ config, ...options }) => {
      const { runPushTest } = await import('./push-test.js');
      end(await runPushTest(config, process.env, options, (line) => void process.stdout.write(`${line}\n`)));
    });
}

function addDemo(program: Command, end: (code: number) => void): void {
  program
    .command('demo')
    .description('a call wakes a sleeping iPhone: all parts on loopback, Apple and CUCM simulated')
    .option('--calls <n>', 'how many calls', wholeArgument(1, 100_000), 1)
    .option('--rate <n>', 'calls per second', wholeArgument(1, 1000), 5)
    .addOption(
      new Option('--edge <kind>', 'how phones reach callwake').choices(['path', 'rewrite', 'direct']).default('path'),
    )
    .addOption(
      new Option('--scenario <name>', 'how the call goes, or what is written instead of calling')
        .choices(['answered', 'cancelled', 'not-woken', 'two-devices', 'message', 'invitation'])
        .default('answered'),
    )
    .addOption(new Option('--transport <name>', 'SIP over').choices(['udp', 'tcp', 'tls']).default('udp'))
    .addOption(
      new Option('--offer <style>', "CUCM's default is delayed").choices(['early', 'delayed']).default('delayed'),
    )
    .action(async (options) => {
      const { runDemo } = await import('../demo/run.js');
      end(await runDemo(options));
    });
}

function addSoak(program: Command, end: (code: number) => void): void {
  program
    .command('soak')
    .description('calls, messages and faults for a while: does anything get lost, or grow? All parts on loopback')
    .option('--duration <duration>', 'how long, such as 60s, 20m or 12h', durationArgument, 1_200_000)
    .option('--seed <n>', 'the same seed gives the same mix', wholeArgument(0, 2 ** 32 - 1))
    .option('--rate <n>', 'calls, messages and registrations a second', wholeArgument(1, 1000), 5)
    .option('--phones <n>', 'how many phones', wholeArgument(1, 5000), 60)
    .addOption(new Option('--edge <kind>', 'how phones reach callwake').choices(['path', 'rewrite']).default('path'))
    .addOption(new Option('--transport <name>', 'SIP over').choices(['udp', 'tcp', 'tls']).default('tcp'))
    .option('--json <file>', 'write all that was seen there too')
    .option('--log <file>', "write callwake's log there")
    .option('--heap-snapshots <folder>', 'keep snapshots of the heaps of app and engine there, for DevTools')
    .action(async (options) => {
      const { runSoakCommand } = await import('./soak.js');
      end(await runSoakCommand(options, (line) => void process.stdout.write(`${line}\n`)));
    });
}

function addEngine(program: Command, end: (code: number) => void): void {
  program
    .command('engine')
    .description('the embedded SIP engine alone: a drachtio-server for any drachtio-srf application')
    .option(
      '--contact <uri>',
      'where to listen for SIP, such as sip:0.0.0.0:5060;transport=udp,tcp (repeatable)',
      collect,
    )
    .option('--control <address>', 'where to listen for the app, on this machine only; port 0: any', '127.0.0.1:9022')
    .option('--control-tls <address>', 'the same over TLS, on any address')
    .option(
      '--secret <secret>',
      `what the app must know; in ${SECRET_VARIABLE} other users of the machine don't see it`,
    )
    .option(
      '--name-server <address>',
      "asked for NAPTR, SRV, A and AAAA records in place of the machine's own: 192.0.2.53 or 192.0.2.53:5353 (repeatable)",
      collect,
    )
    .option('--tls-key <file>', 'private key for TLS, PEM')
    .option('--tls-cert <file>', 'certificate for TLS, PEM')
    .option('--tls-ca <file>', 'authorities to trust, PEM')
    .addOption(
      new Option('--tls-min-version <version>', 'lowest version of TLS').choices(['1.2', '1.3']).default('1.2'),
    )
    .option(
      '--tls-ciphers <list>',
      'cipher suites of TLS 1.2 as OpenSSL lists them; default: ECDHE or DHE with AEAD only',
    )
    .option(
      '--tls-sni <name=key,cert>',
      'certificate for who asks for that server name: NAME=KEYFILE,CERTFILE (repeatable)',
      collect,
    )
    .option(
      '--tls-peer <addresses=names;cafile>',
      'names (RFC 5922) and authority that a peer must show: ADDRESS,...=NAME,...;CAFILE (repeatable)',
      collect,
    )
    .option('--mtls', 'refuse phones, edges and trunks without a certificate of --tls-ca', false)
    .option('--mtls-optional', 'ask for a certificate, take those without one too', false)
    .option('--tls-insecure', 'take any certificate when connecting out', false)
    .option('--with-parent', 'end when standard input closes', false)
    .option(
      '--hold-limit <seconds>',
      'how long an INVITE may wait for the first word of the app',
      wholeArgument(1, 86_400),
    )
    .option(
      '--request-handler <handler>',
      'outbound mode: [METHOD[:GET|:POST]=]URL of an app or web server (repeatable)',
      collect,
    )
    .option('--no-shedding', 'do not turn new work away when this machine is busy: for tests on slow machines')
    .option('--verbose', 'tell more on standard error', false)
    .action(async ({ contact, ...rest }) => {
      const secret = rest.secret ?? process.env[SECRET_VARIABLE];
      if (!secret) throw new CliError(`Give --secret, or set ${SECRET_VARIABLE}: the app must know it.`, 2);
      const { runEngine } = await import('../engine/command.js');
      end(await runEngine({ ...rest, secret, contact: contact ?? ['sip:0.0.0.0:5060;transport=udp,tcp'] }));
    });
}
