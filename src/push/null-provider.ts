import type { PushOutcome, PushProvider, PushProviderStatus, PushRequest } from './provider.js';

/** For installations without push: refuses every push at once, so that calls go to what is registered or to the fallback. */
export class NullProvider implements PushProvider {
  push(_request: PushRequest): Promise<PushOutcome> {
    return Promise.resolve({ kind: 'refused', status: 0, reason: 'NoAccount', token: 'keep', attempts: 0 });
  }

  status(): PushProviderStatus {
    return { provider: 'none', queued: 0, inFlight: 0, connections: [] };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
