import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Changes with the body. */
  readonly etag: string;
}

export interface Assets {
  /** By their path below the dashboard's, such as `main.js`; the page itself has the empty path. */
  readonly files: ReadonlyMap<string, Asset>;
  /** The Content-Security-Policy of the page: only what comes from here, and the one inline script that names the modules. */
  readonly policy: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The libraries that the page imports, and where in their packages they are. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'preact.mjs': 'preact',
  'hooks.mjs': 'preact/hooks',
  'jsxRuntime.mjs': 'preact/jsx-runtime',
  'uPlot.esm.js': 'uplot/dist/uPlot.esm.js',
  'uPlot.min.css': 'uplot/dist/uPlot.min.css',
};

/**
 * The files of the dashboard, read once.
 * @throws Error when they were not built
 */
export function loadAssets(): Assets {
  const folder = join(packageFolder(), 'dist', 'dashboard');
  const files = new Map<string, Asset>();
  if (!existsSync(folder)) throw new Error(`there is no ${folder}: "npm run build" makes it`);
  for (const name of readdirSync(folder)) {
    if (extname(name) in TYPES) files.set(name, asset(join(folder, name)));
  }
  for (const [name, specifier] of Object.entries(LIBRARIES)) {
    files.set(`lib/${name}`, asset(fileURLToPath(import.meta.resolve(specifier))));
  }
  const page = files.get('index.html');
  if (page === undefined) throw new Error(`no index.html in ${folder}`);
  const text = withPreloads(page.body.toString('utf8'), files.keys());
  files.set('', assetOf('.html', Buffer.from(text)));
  return { files, policy: policyOf(text) };
}

/** The page with all its modules named, so that the browser fetches them at once and not as one names the next. */
function withPreloads(page: string, names: Iterable<string>): string {
  const modules = [...names].filter((name) => TYPES[extname(name)]?.startsWith('text/javascript'));
  const links = modules.map((name) => `<link rel="modulepreload" href="${name}" />`);
  // Browsers want the map of names before the first of them.
  return page.replace('</script>', (end) => end + links.join(''));
}

function policyOf(page: string): string {
  const inline = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(inline).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function asset(path: string): Asset {
  return assetOf(extname(path), readFileSync(path));
}

function assetOf(extension: string, body: Buffer): Asset {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return { type: TYPES[extension] ?? 'application/octet-stream', body, etag };
}

function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new Error('callwake is not in a package');
    folder = above;
  }
  return folder;
}
