import { z } from 'zod';
import { flag, oneOf, pattern, text, whole } from './fields.js';

const BUNDLE = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;

function bundleId() {
  const allowed = 'a bundle id such as com.example.phone, without .voip';
  return pattern(BUNDLE, allowed).refine((id) => !id.endsWith('.voip'), { error: allowed });
}

function bundleIds() {
  return z.array(bundleId(), { error: 'a list of bundle ids such as com.example.phone' }).default([]);
}

const account = z
  .strictObject({
    /** Apple's team id. */
    teamId: pattern(/^[A-Z0-9]{10}$/, "Apple's team id: ten capital letters and digits"),
    /** The id of the p8 key. */
    keyId: pattern(/^[A-Z0-9]{10}$/, 'the key id of the p8 key: ten capital letters and digits'),
    keyFile: text('the path of the p8 key file'),
    /** Where tokens of unknown environment belong; `auto`: learnt per token from Apple's answers. */
    environment: oneOf(['production', 'sandbox', 'auto']).default('auto'),
    /** Environments that the key is for. */
    keyEnvironments: z
      .array(oneOf(['production', 'sandbox']), { error: 'a list of production, sandbox' })
      .min(1, { error: 'a list of production, sandbox' })
      .default(['production', 'sandbox']),
    /** Apps that the key is for, if Apple restricted it; empty: all of the team. */
    keyBundleIds: bundleIds(),
    /** Apps whose phones may register for push; empty: all that the key is for. */
    bundleIds: bundleIds(),
  })
  .superRefine((value, context) => {
    if (value.keyBundleIds.length === 0) return;
    value.bundleIds.forEach((id, index) => {
      if (value.keyBundleIds.includes(id)) return;
      const message = `one of keyBundleIds (${value.keyBundleIds.join(', ')}): the key may not be used for others`;
      context.addIssue({ code: 'custom', path: ['bundleIds', index], message });
    });
  });

const content = oneOf(['clear', 'sender', 'nothing', 'encrypted']);

const endpoint = z.url({ protocol: /^https$/, error: 'a URL such as https://127.0.0.1:2197' });

const proxy = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: 'a URL such as http://proxy.corp.example:8080' }).exactOptional(),
    user: text('the user name for the proxy').exactOptional(),
    password: text('the password for the proxy').exactOptional(),
  })
  .superRefine((value, context) => {
    const needed = (member: 'url' | 'user' | 'password', message: string): void => {
      context.addIssue({ code: 'custom', path: [member], message });
    };
    const { url, user, password } = value;
    if (url === undefined && (user ?? password) !== undefined) needed('url', 'the URL of the proxy');
    if (user === undefined && password !== undefined) needed('user', 'the user name for the proxy');
    if (password === undefined && user !== undefined) needed('password', 'the password for the proxy');
  });

/** How callwake pushes. */
export const push = z
  .strictObject({
    provider: oneOf(['apns', 'none']),
    accounts: z.array(account, { error: 'a list of accounts' }).default([]),
    /** Only to push to something else than Apple, such as the Apple simulator. */
    endpoints: z.strictObject({ production: endpoint.exactOptional(), sandbox: endpoint.exactOptional() }).prefault({}),
    /** Certificate authority to trust instead of the system's, PEM. */
    caFile: text('the path of a PEM file').exactOptional(),
    /** An HTTP proxy (CONNECT) on the way to Apple. */
    proxy: proxy.prefault({}),
    /** Connections per account and environment. */
    connections: whole(1, 100).default(2),
    port: z.literal([443, 2197], { error: 'one of 443, 2197' }).default(443),
    /** Pushes under way or waiting at once; beyond, they are refused. */
    queueLimit: whole(1, 1_000_000).default(10_000),
    /** What pushes tell; {@link PushContent} says what each means. */
    content: content.default('clear'),
    /** By bundle id, what is different for an app. */
    apps: z
      .record(bundleId(), z.strictObject({ content: content.exactOptional() }), {
        error: 'a mapping of bundle ids such as com.example.phone, each with its own settings',
      })
      .default({}),
    /** Where a woken phone is to register: this node, as phones reach it. */
    registerTo: pattern(
      /^sips?:[^\s<>"]{1,200}$/,
      'a SIP URI such as sip:node1.corp.example:5061;transport=tls',
    ).exactOptional(),
    /** Connects at the start, so that the first call needn't. For accounts whose environment is known. */
    prewarm: flag().default(true),
  })
  .superRefine((value, context) => {
    if (value.provider !== 'apns' || value.accounts.length > 0) return;
    const message = 'a list of at least one account with teamId, keyId and keyFile (needed with provider apns)';
    context.addIssue({ code: 'custom', path: ['accounts'], message });
  });
