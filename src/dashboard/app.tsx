import { useEffect, useState } from 'preact/hooks';
import { AlarmsPage } from './alarms-page.js';
import { ApiError, get, listen, token } from './api.js';
import { CallPage } from './call-page.js';
import { CallsPage } from './calls-page.js';
import { ConfigurationPage } from './configuration-page.js';
import { DevicesPage } from './devices-page.js';
import { useRoute } from './hooks.js';
import { OverviewPage } from './overview-page.js';

const PAGES = [
  ['/', 'Overview'],
  ['/calls', 'Calls'],
  ['/devices', 'Devices'],
  ['/alarms', 'Alarms'],
  ['/configuration', 'Configuration'],
] as const;

/** The whole page: sign-in if the API wants a token, else the page that the address names. */
export function App() {
  const [signedIn, setSignedIn] = useState<boolean | undefined>(undefined);
  const [why, setWhy] = useState('');
  const check = async (): Promise<void> => {
    try {
      await get('/v1/overview');
      setSignedIn(true);
    } catch (error) {
      const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      setWhy(refused && token.get() === '' ? '' : error instanceof Error ? error.message : String(error));
      setSignedIn(!refused);
    }
  };
  useEffect(() => void check(), []);
  if (signedIn === undefined) return <p class="waiting">Loading …</p>;
  if (!signedIn) {
    return (
      <SignIn
        why={why}
        onToken={(value) => {
          token.set(value);
          void check();
        }}
      />
    );
  }
  return <Pages />;
}

function Pages() {
  const { path, query } = useRoute();
  const [live, setLive] = useState(false);
  const [change, setChange] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    listen('/v1/events', abort.signal, () => setChange((value) => value + 1), setLive).catch(() => setLive(false));
    return () => abort.abort();
  }, []);
  const [, section = '', ...rest] = path.split('/');
  const named = PAGES.find(([address]) => address === `/${section}`)?.[1] ?? 'Overview';
  useEffect(() => {
    document.title = `${named} · callwake`;
  }, [named]);
  return (
    <>
      <header>
        <button type="button" class="skip" onClick={focusMain}>
          Skip to content
        </button>
        <strong class="brand">callwake</strong>
        <nav aria-label="Pages">
          {PAGES.map(([address, name]) => (
            <a key={address} href={`#${address}`} aria-current={name === named ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <span class={`live ${live ? 'on' : ''}`} role="status">
          {live ? 'live' : 'not connected'}
        </span>
      </header>
      <main id="main" tabIndex={-1}>
        {page(section, rest.map(decodeURIComponent), query, change)}
      </main>
    </>
  );
}

function page(section: string, rest: readonly string[], query: URLSearchParams, change: number) {
  const [first] = rest;
  if (section === 'calls' && first !== undefined) return <CallPage key={first} id={first} change={change} />;
  if (section === 'calls') return <CallsPage query={query} change={change} />;
  if (section === 'devices') return <DevicesPage query={query} />;
  if (section === 'alarms') return <AlarmsPage key={query.get('name')} query={query} change={change} />;
  if (section === 'configuration') return <ConfigurationPage />;
  return <OverviewPage change={change} />;
}

function focusMain(): void {
  document.getElementById('main')?.focus();
}

function SignIn({ why, onToken }: { readonly why: string; readonly onToken: (value: string) => void }) {
  const [value, setValue] = useState('');
  return (
    <main class="sign-in">
      <h1>callwake</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onToken(value.trim());
        }}
      >
        <label for="token">Token</label>
        <textarea
          id="token"
          rows={4}
          required
          autoComplete="off"
          spellcheck={false}
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
        <p>
          <code>callwake token --scope status:read --scope calls:read --scope devices:read</code> prints one. It stays
          in this tab until you close it.
        </p>
        {why === '' ? null : (
          <p class="problem" role="alert">
            {why}
          </p>
        )}
        <button type="submit">Sign in</button>
      </form>
    </main>
  );
}
