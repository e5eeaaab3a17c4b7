import { z } from 'zod';
import { duration, fraction, pattern, text } from './fields.js';

/** OpenTelemetry: one trace a call. */
export const tracing = z.strictObject({
  /** Where traces go: an OTLP receiver over HTTP. Without one there are none. */
  url: pattern(
    /^https?:\/\/[^\s/]+\/\S*$/,
    'a URL such as http://collector.corp.example:4318/v1/traces',
  ).exactOptional(),
  /** `Name: value` of a header that the receiver wants, such as an API key. */
  headerSecret: pattern(
    /^[\w-]+:[ \t]*[\x21-\x7e][\x20-\x7e]*$/,
    'a header such as "Authorization: Bearer ..."',
  ).exactOptional(),
  serviceName: text('a name').default('callwake'),
  /** Share of the calls that are traced. */
  sample: fraction(0, 1).default(1),
  /** How often spans that have ended are sent. */
  interval: duration('100ms', '5m', '5s'),
});
