import { EndedTokens } from '../ended-tokens.js';
import { DeviceSearch, type DeviceSearchOptions } from './search.js';

/** What operators look devices up with. */
export interface DeviceLookup {
  readonly search: DeviceSearch;
  readonly endedTokens: EndedTokens;
  close(): void;
}

/** Opens it; tokens that end are written down from now on. */
export function openDeviceLookup(options: DeviceSearchOptions): DeviceLookup {
  const search = new DeviceSearch(options);
  const endedTokens = new EndedTokens(options);
  const unlisten = options.registry.onTokenEnded((ended) => endedTokens.note(ended));
  return {
    search,
    endedTokens,
    close() {
      unlisten();
      search.close();
    },
  };
}
