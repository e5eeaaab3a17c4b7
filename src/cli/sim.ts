import { type Command, Option } from 'commander';
import type { RunningSim } from '../sim/run.js';
import { collect, durationArgument, portArgument, wholeArgument } from './arguments.js';

/** Adds `sim cucm`, `sim edge`, `sim phone` and `sim apns`. */
export function addSimCommands(program: Command): void {
  const sim = program.command('sim').description('simulators over real sockets; each prints its events as JSON lines');
  addCucm(sim);
  addEdge(sim);
  addPhone(sim);
  addApns(sim);
}

function addCucm(sim: Command): void {
  sim
    .command('cucm')
    .description("CUCM's side of the SIP trunk: calls, or waits for calls and answers OPTIONS")
    .requiredOption('--trunk <address>', 'callwake, such as tcp:192.0.2.1:5060')
    .option('--address <ip>', 'own address', '127.0.0.1')
    .option('--port <port>', 'own port, UDP and TCP; 0: any', portArgument, 0)
    .option('--domain <host>', 'host part of the Request-URI; default: the trunk')
    .option('--call <number>', 'number to call')
    .option('--from <number>', 'calling number')
    .option('--display-name <text>', "caller's name")
    .addOption(new Option('--offer <style>', "CUCM's default is delayed").choices(['early', 'delayed']))
    .option('--count <n>', 'calls, one after the other', wholeArgument(1, 100_000), 1)
    .option('--hang-up-after <duration>', 'from the answer', durationArgument, 3000)
    .option('--cancel-after <duration>', 'send CANCEL, from the INVITE', durationArgument)
    .option('--ping-every <duration>', 'send OPTIONS', durationArgument)
    .action(async ({ hangUpAfter, cancelAfter, pingEvery, ...rest }) => {
      const { runCucmSim } = await import('../sim/cucm/run.js');
      const times = { hangupAfterMs: hangUpAfter, cancelAfterMs: cancelAfter, pingIntervalMs: pingEvery };
      await untilDone(await runCucmSim({ ...rest, ...times }));
    });
}

function addEdge(sim: Command): void {
  sim
    .command('edge')
    .description('an Expressway-like edge between phones and callwake')
    .requiredOption('--core <address>', 'callwake, such as udp:192.0.2.1:5060')
    .addOption(
      new Option('--mode <mode>', 'path: adds itself to Path; rewrite: puts itself into Contact')
        .choices(['path', 'rewrite'])
        .default('path'),
    )
    .option('--address <ip>', 'own address', '127.0.0.1')
    .option('--phone-port <port>', 'for phones, UDP and TCP; 0: any', portArgument, 0)
    .option('--core-port <port>', "on callwake's side, UDP and TCP; 0: any", portArgument, 0)
    .action(async (options) => {
      const { runEdgeSim } = await import('../sim/edge/run.js');
      await untilDone(await runEdgeSim(options));
    });
}

function addPhone(sim: Command): void {
  sim
    .command('phone')
    .description('an iPhone or iPad that registers, sleeps, wakes on the push and answers')
    .requiredOption('--aor <uri>', 'such as sip:2001@corp.example')
    .requiredOption('--server <address>', 'the edge, or callwake, such as tcp:192.0.2.1:5060 or ws:192.0.2.1:8080')
    .option('--pushes <address>', "the Apple simulator's port for phones, such as 127.0.0.1:2198")
    .addOption(new Option('--platform <kind>').choices(['iphone', 'ipad']).default('iphone'))
    .option('--instance <urn>', '+sip.instance; default: random')
    .option('--user-agent <text>')
    .option('--device-name <name>', '+u.sip!devicename.ccm.cisco.com')
    .option('--voip-token <hex>', 'PushKit token; default: random')
    .option('--alert-token <hex>', 'token for alert pushes')
    .option('--team-id <id>', "Apple's team id")
    .option('--bundle-id <id>')
    .option('--address <ip>', 'own address', '127.0.0.1')
    .option('--expires <seconds>', 'registration interval asked for', wholeArgument(0, 2_592_000))
    .option('--username <name>', 'for digest authentication; the password is in CALLWAKE_SIM_PASSWORD')
    .option('--sleep', 'go to the background after the first registration, telling so')
    .option('--sleep-silently', 'the same without a word')
    .option('--call <number>', 'call this number after the registration')
    .option('--wake-delay <duration>', 'from the push to the REGISTER', durationArgument)
    .option('--answer-delay <duration>', 'from 180 to the answer', durationArgument)
    .addOption(
      new Option('--answer <how>', 'what it does with calls')
        .choices(['yes', 'no', 'busy', 'decline', 'ignore', 'mute'])
        .default('yes'),
    )
    .action(async ({ sleep, sleepSilently, wakeDelay, answerDelay, answer, ...rest }) => {
      const { runPhoneSim } = await import('../sim/phone/run.js');
      const password = process.env.CALLWAKE_SIM_PASSWORD;
      const behaviour = {
        answer: answer === 'yes' ? true : answer === 'no' ? false : answer,
        ...(wakeDelay === undefined ? {} : { wakeDelayMs: wakeDelay }),
        ...(answerDelay === undefined ? {} : { answerDelayMs: answerDelay }),
      };
      const asleep = sleepSilently ? 'silently' : sleep ? 'background' : undefined;
      await untilDone(
        await runPhoneSim({
          ...rest,
          behaviour,
          ...(password === undefined ? {} : { password }),
          ...(asleep === undefined ? {} : { sleep: asleep }),
        }),
      );
    });
}

function addApns(sim: Command): void {
  sim
    .command('apns')
    .description("Apple's push service: judges JWT, topic, token and size as Apple does, hands pushes to phones")
    .option('--address <ip>', 'own address', '127.0.0.1')
    .option('--name <dns>', 'a name that callwake knows it by, for its certificate (repeatable)', collect)
    .option('--port <port>', 'production, HTTP/2 over TLS; 0: any', portArgument, 2197)
    .option('--sandbox-port <port>', 'sandbox; 0: any', portArgument, 0)
    .option('--phone-port <port>', "for phones' own connections; 0: any", portArgument, 2198)
    .option('--control-port <port>', 'HTTP, to ask what came and to make trouble; 0: any', portArgument, 0)
    .option('--key <key>', 'key whose pushes are accepted: TEAMID:KEYID:FILE (repeatable)', collect)
    .option('--make-keys', 'make the key files that do not exist, and keep the certificate', false)
    .option('--ca-file <file>', "where the server's certificate is written, for push.caFile")
    .option('--accept-any-token', 'device tokens need not be known', false)
    .option('--latency <duration>', 'before every answer', durationArgument, 0)
    .action(async ({ address, name, key, makeKeys, caFile, latency, ...rest }) => {
      const { runApnsSim } = await import('../sim/apns/run.js');
      const { keepCertificate, makeMissingKeys } = await import('./apns-files.js');
      const keys: readonly string[] = key ?? [];
      if (makeKeys) makeMissingKeys(keys);
      const kept = makeKeys && caFile !== undefined ? keepCertificate(caFile, [address, ...(name ?? [])]) : undefined;
      await untilDone(
        await runApnsSim({
          ...rest,
          host: address,
          keys,
          latencyMs: latency,
          ...(caFile === undefined ? {} : { caFile }),
          ...(kept === undefined ? {} : { certificate: kept }),
        }),
      );
    });
}

/** Waits for the simulator's end, or ends it at SIGINT or SIGTERM. */
async function untilDone(sim: RunningSim): Promise<void> {
  const stop = (): void => void sim.close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await sim.done;
  await sim.close();
}
