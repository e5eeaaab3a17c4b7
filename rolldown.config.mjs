import { defineConfig } from 'rolldown';

/**
 * Puts the program and all that it uses into a few files in place of the entry that the compiler wrote (`--dir` says where): it starts, and
 * after a crash starts again, in two thirds of the time. The compiler's files stay beside it for whoever imports parts of callwake.
 */
export default defineConfig({
  // Beside the program, what it loads by its file's name: a thread, and what the soak puts into its processes.
  input: { cli: 'src/cli.ts', worker: 'src/devices/search/worker.ts', probe: 'src/demo/soak/probe.ts' },
  platform: 'node',
  // The first finds its compiled code beside itself; the others are what Fastify would load if it were not given schemas of zod.
  external: ['lmdb', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'],
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  output: {
    format: 'esm',
    entryFileNames: ({ name }) => (name === 'cli' ? 'cli.js' : 'chunks/[name].js'),
    chunkFileNames: 'chunks/[name].js',
    sourcemap: true,
    comments: false,
  },
});
