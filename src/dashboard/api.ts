const KEY = 'callwake.token';

/** The API refused: the problem (RFC 9457) in words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** The token of this browser tab, kept until the tab is closed. */
export const token = {
  get: (): string => sessionStorage.getItem(KEY) ?? '',
  set: (value: string): void => sessionStorage.setItem(KEY, value),
  clear: (): void => sessionStorage.removeItem(KEY),
};

async function ask(path: string, init: RequestInit = {}, accept = 'application/json'): Promise<Response> {
  const bearer = token.get();
  const response = await fetch(path, {
    ...init,
    headers: {
      accept,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
    },
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string };
  throw new ApiError(response.status, problem.detail ?? response.statusText);
}

/** GET, as JSON. @throws {ApiError} when the API refuses */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/** POST, with a JSON body if one is given; what comes back as JSON. @throws {ApiError} when the API refuses */
export async function post<T>(path: string, body?: unknown): Promise<T> {
  const response = await ask(path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}

/** DELETE. @throws {ApiError} when the API refuses */
export async function remove(path: string): Promise<void> {
  await ask(path, { method: 'DELETE' });
}

/** POST whose answer is a stream of server-sent events: each goes to `onEvent` as it comes. */
export async function postStream(
  path: string,
  body: unknown,
  onEvent: (name: string, data: unknown) => void,
): Promise<void> {
  const response = await ask(path, { method: 'POST', body: JSON.stringify(body) }, 'text/event-stream');
  await readEvents(response, onEvent);
}

/**
 * Listens to the server's events until aborted, and comes back after an interruption. `onState` is told whether it is connected.
 * EventSource can't send a bearer token, so this reads the stream itself.
 */
export async function listen(
  path: string,
  signal: AbortSignal,
  onEvent: (name: string, data: unknown) => void,
  onState: (connected: boolean) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await ask(path, { signal });
      onState(true);
      await readEvents(response, onEvent);
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error;
    }
    if (signal.aborted) return;
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function readEvents(response: Response, onEvent: (name: string, data: unknown) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
    text += chunk.value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: ?(.*)$`, 'm').exec(event)?.[1];
      const data = field('data');
      if (data !== undefined) onEvent(field('event') ?? 'message', JSON.parse(data));
    }
  }
}
