// callwake's command line, from the compiler's own files.
import { runCli } from '../../dist/cli/program.js';

process.exit(await runCli(process.argv.slice(2)));
