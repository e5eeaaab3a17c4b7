import type { Command } from 'commander';

/** An example: the command line, and what it does. */
type Example = readonly [line: string, what: string];

interface Page {
  /** The heading that the command stands under in the list of all. */
  readonly group: 'Run' | 'Look' | 'Operate' | 'Try';
  readonly examples: readonly Example[];
  /** Exit codes besides 0 (done), 1 (failed) and 2 (wrong usage or configuration). */
  readonly exit?: string;
  /** Where more is told. */
  readonly more?: string;
}

/** What the help of each command says after its options. */
const PAGES: Readonly<Record<string, Page>> = {
  start: {
    group: 'Run',
    examples: [
      ['callwake start', 'with ./callwake.yaml'],
      ['callwake start --config /etc/callwake/callwake.yaml', 'with that one'],
    ],
    more: 'SIGTERM drains: calls that are held end first. SIGHUP reads keys and certificates again. deploy/callwake.example.yaml explains every setting.',
  },
  check: {
    group: 'Run',
    examples: [['callwake check --config callwake.yaml', 'what would run, or what is wrong and where']],
    exit: '2: it can not be used',
  },
  engine: {
    group: 'Run',
    examples: [
      ["callwake engine --contact 'sip:192.0.2.10:5060;transport=udp,tcp'", 'the secret is in CALLWAKE_ENGINE_SECRET'],
    ],
    more: 'docs/engine.md',
  },
  token: {
    group: 'Run',
    examples: [
      ['callwake token --scope status:read --scope calls:read --expires 12h', 'for the dashboard, to look'],
      ['callwake token --scope status:read --expires 365d --subject prometheus', 'for Prometheus'],
    ],
    more: 'docs/api.md lists the scopes.',
  },
  completion: {
    group: 'Run',
    examples: [['source <(callwake completion bash)', 'completes commands, options and their values in this shell']],
  },
  status: {
    group: 'Look',
    examples: [
      ['callwake status', 'of the callwake on this machine'],
      ['callwake status --url https://callwake2.corp.example:8080 --token eyJ...', 'of another one'],
      ['callwake status --json', 'for a program'],
    ],
  },
  calls: {
    group: 'Look',
    examples: [
      ['callwake calls --follow', 'each call as it changes'],
      ['callwake calls --text 2001 --since 2d --folder ./calls', "yesterday's calls of 2001, from the files"],
      ['callwake calls --reason not-woken --since 1h', 'whose phones did not wake'],
    ],
  },
  call: {
    group: 'Look',
    examples: [
      ['callwake call A84E5226-DB63-D7A6-6C23-800E273B6534', 'as a ladder'],
      ['callwake call 52450cd0-2445e7c8@192.0.2.10 --json', 'all of it, by its Call-ID'],
      ['callwake call 52450cd0-2445e7c8@192.0.2.10 --pcapng call.pcapng', 'for Wireshark'],
    ],
    more: 'docs/timeline.md',
  },
  devices: {
    group: 'Look',
    examples: [
      ['callwake devices 2001', 'the phones of 2001: which sleep, and why'],
      ['callwake devices', 'all, user by user'],
      ['callwake devices --text TCT --state unreachable', 'those that no call reaches'],
    ],
  },
  device: {
    group: 'Look',
    examples: [
      ['callwake device 2001', 'the only phone of 2001'],
      ['callwake device 2001 94aef7e1', 'the one whose id begins so'],
      ['callwake device 2001 TCTALICE', "by Cisco's device name"],
    ],
  },
  'refused-tokens': {
    group: 'Look',
    examples: [['callwake refused-tokens', 'the phones whose users have to open the app']],
  },
  'dead-messages': {
    group: 'Look',
    examples: [['callwake dead-messages', 'what was kept too long, or refused by the phone']],
    more: 'docs/messages.md',
  },
  refusals: {
    group: 'Look',
    examples: [['callwake refusals', 'what was refused, to whom and why; who is banned']],
    more: 'docs/security.md',
  },
  unban: {
    group: 'Operate',
    examples: [['callwake unban 203.0.113.7', 'a phone with an old password was mended']],
    more: 'docs/security.md',
  },
  'forget-user': {
    group: 'Operate',
    examples: [['callwake forget-user 2001', 'somebody has left; the answer says what there was']],
    more: 'docs/security.md',
  },
  trunks: { group: 'Look', examples: [['callwake trunks', 'which peers answer OPTIONS, and since when']] },
  alarms: {
    group: 'Look',
    examples: [
      ['callwake alarms', 'what is wrong now'],
      [
        'callwake alarms --history --since 7d --name PushNotificationInvalidDeviceTokenResponse',
        'the phones whose tokens Apple refused this week',
      ],
    ],
    more: 'docs/alarms.md',
  },
  logs: {
    group: 'Look',
    examples: [
      ['callwake logs --follow --level warn', 'warnings and errors as they come'],
      ['callwake logs --call A84E5226-DB63-D7A6-6C23-800E273B6534', 'all lines of a call'],
    ],
    more: "The app's own log; the engine and the supervisor write to standard output only.",
  },
  wake: {
    group: 'Operate',
    examples: [
      ['callwake wake 2001 --mode call', 'all phones of 2001, one after the other; each shows a call for a moment'],
      ['callwake wake 2001 94aef7e1 --mode silent', 'one phone, which shows nothing'],
    ],
    exit: '1: a phone did not wake',
  },
  'push-test': {
    group: 'Operate',
    examples: [
      [
        'callwake push-test --device 2001@corp.example',
        'DNS, TCP, TLS, HTTP/2, key, token, topic: what works and what not',
      ],
      ['callwake push-test --token 5e5e5e5e5e5e5e5e --topic com.example.phone.voip', 'with a token by hand'],
    ],
    exit: '1: Apple did not take it',
  },
  end: { group: 'Operate', examples: [['callwake end A84E5226-DB63-D7A6-6C23-800E273B6534', 'that call']] },
  'push-again': {
    group: 'Operate',
    examples: [['callwake push-again A84E5226-DB63-D7A6-6C23-800E273B6534', 'to all phones that it waits for']],
    exit: '1: Apple took none',
  },
  forget: {
    group: 'Operate',
    examples: [
      ['callwake forget 2001 94aef7e1 voip-token', 'no call wakes that phone until it names a token again'],
      ['callwake forget 2001 94aef7e1 bindings', 'the next call wakes it'],
    ],
  },
  drain: {
    group: 'Operate',
    examples: [
      ['callwake drain --wait 10m --up', 'take the node out of service and wait until all calls are over'],
      ['callwake drain --undo', 'take it back'],
    ],
    exit: '1: calls are left after that time',
  },
  'log-level': {
    group: 'Operate',
    examples: [
      ['callwake log-level', 'how it stands'],
      ['callwake log-level debug', 'until the process ends'],
    ],
  },
  ping: {
    group: 'Try',
    examples: [['callwake ping sip:192.0.2.10:5060', 'as CUCM pings a trunk']],
    exit: '1: out of service as CUCM would take it',
  },
  demo: {
    group: 'Try',
    examples: [
      ['callwake demo', 'a call wakes a phone, drawn as it happens'],
      ['callwake demo --scenario two-devices --edge rewrite', 'two phones behind an edge that rewrites Contact'],
      ['callwake demo --calls 50 --rate 10', 'fifty calls, ten a second'],
    ],
  },
  soak: {
    group: 'Try',
    examples: [
      ['callwake soak --duration 5m', 'five minutes of load and faults'],
      ['callwake soak --duration 12h --rate 20 --phones 500 --json soak.json', 'a night of it'],
    ],
    exit: '1: something was lost, unexplained, or grew',
    more: 'bench/README.md',
  },
  sim: {
    group: 'Try',
    examples: [['callwake sim apns --help', "Apple's push service, simulated"]],
    more: 'docs/apns-simulator.md',
  },
};

const GROUPS: Readonly<Record<Page['group'], string>> = {
  Run: 'Run it:',
  Look: 'Look at one that runs:',
  Operate: 'Operate one that runs:',
  Try: 'Try:',
};

/** Gives every command its place in the list of all, and examples and exit codes at the end of its help. */
export function addManual(program: Command): void {
  for (const command of program.commands) {
    const page = PAGES[command.name()];
    if (page === undefined) continue;
    command.helpGroup(GROUPS[page.group]);
    command.addHelpText('after', pageText(page));
  }
  program.addHelpText('after', '\ncallwake <command> --help shows the options of a command, with examples.');
}

/** The examples of a command, as they are typed. */
export function examplesOf(name: string): readonly string[] {
  return (PAGES[name]?.examples ?? []).map(([line]) => line);
}

function pageText({ examples, exit, more }: Page): string {
  return [
    '',
    'Examples:',
    ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`]),
    ...(exit === undefined ? [] : ['', `Exit code ${exit}.`]),
    ...(more === undefined ? [] : ['', more]),
  ].join('\n');
}
