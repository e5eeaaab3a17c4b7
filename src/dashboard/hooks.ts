import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get } from './api.js';

/** What a page knows of something that it asked the API for. */
export interface Loaded<T> {
  readonly data?: T;
  readonly error?: ApiError | Error;
  /** Asks again now. */
  readonly again: () => void;
}

/** Asks for `path` and again whenever it changes, and every `every` milliseconds if given. The last good answer stays while a new one is fetched. */
export function useApi<T>(path: string | undefined, every?: number): Loaded<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: Error }>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        const data = await get<T>(path, abort.signal);
        setState({ path, data });
      } catch (error) {
        if (abort.signal.aborted) return;
        const told = error instanceof Error ? error : new Error(String(error));
        setState((before) => ({ ...(before.path === path ? before : { path }), error: told }));
        if (error instanceof ApiError && error.status === 401) return;
      }
      if (every !== undefined && !abort.signal.aborted) timer = setTimeout(() => void load(), every);
    };
    void load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, every, round]);
  const current = state.path === path ? state : {};
  return {
    ...(current.data === undefined ? {} : { data: current.data }),
    ...(current.error === undefined ? {} : { error: current.error }),
    again: () => setRound((value) => value + 1),
  };
}

/** The last value that was one: what is shown until another search is answered. */
export function useKept<T>(value: T | undefined): T | undefined {
  const kept = useRef(value);
  if (value !== undefined) kept.current = value;
  return kept.current;
}

/** The part of the address after `#`, such as `/calls?text=2001`. */
export function useRoute(): { readonly path: string; readonly query: URLSearchParams } {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) };
}

/** The value a while after it last changed: so that a search isn't asked at each key. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Calls `fn` with the latest closure whenever `signal` changes, at most once in `ms`. */
export function useThrottled(signal: unknown, fn: () => void, ms: number): void {
  const latest = useRef(fn);
  latest.current = fn;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    if (signal === undefined || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, ms);
  }, [signal, ms]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** Whether a media query holds, now and when it changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => setHolds(list.matches);
    changed();
    list.addEventListener('change', changed);
    return () => list.removeEventListener('change', changed);
  }, [query]);
  return holds;
}
