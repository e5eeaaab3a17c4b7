// Wake calls with the app killed (kill -9) every two seconds.
// After `npm run build`: node bench/chaos.mjs [calls] [rate] [kill every ms] [udp, tcp or tls]
import { runChaos } from '../dist/demo/chaos.js';

const [calls = 1000, rate = 25, killEvery = 2000] = process.argv.slice(2, 5).map(Number);
const transport = process.argv[5] ?? 'udp';
const phones = Math.min(200, Math.ceil(rate * 6));
const result = await runChaos({ calls, rate, killEvery, phones, transport });
console.log(JSON.stringify({ calls, rate, killEvery, transport, ...result }));
const good = result.unanswered === 0 && result.rangTwice === 0 && result.rang >= 0.99 * calls;
process.exitCode = good ? 0 : 1;
