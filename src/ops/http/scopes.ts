/** What a token may allow (`scope`, RFC 8693 section 4.2), and what that is in words. */
export const SCOPES = {
  'status:read': 'readiness of the parts, trunks, alarms, metrics, drain state, log level',
  'logs:read': 'the latest lines of the log',
  'calls:read': 'calls and their timelines',
  'calls:write': 'wake test, end a call, push again',
  'devices:read': 'devices with their state, tokens masked',
  'devices:write': 'provision, change and delete devices, forget tokens and bindings',
  'users:read': 'users and their preferences, without passwords',
  'users:write': 'create, change and delete users and their preferences',
  'notifications:write': 'notify users of messages, invitations, voicemail, missed calls',
  'operations:write': 'drain, log level, lift bans',
} as const;

export type Scope = keyof typeof SCOPES;

export function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
