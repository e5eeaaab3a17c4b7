import { useApi } from './hooks.js';
import { Waiting } from './parts.js';

/** The configuration as it was loaded, defaults filled in, secrets hidden. */
export function ConfigurationPage() {
  const { data, error } = useApi<{ yaml: string }>('/v1/configuration');
  if (data === undefined) return <Waiting error={error} what="the configuration" />;
  return (
    <>
      <h1>Configuration</h1>
      <p>As callwake loaded it: defaults filled in, secrets hidden.</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard */}
      <pre class="scroll" tabIndex={0}>
        {data.yaml}
      </pre>
    </>
  );
}
