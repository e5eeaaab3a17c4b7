// Loaded into callwake (NODE_OPTIONS=--import) to measure what watching calls costs: none of their events is kept, counted or told.
import { Watch } from '../../dist/ops/watch.js';

Watch.prototype.call = () => {};
