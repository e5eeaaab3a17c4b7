import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Results {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly string[] }[];
  }[];
}

/**
 * What of a page a screen reader, a keyboard or weak eyes can't use, by axe-core's rules for WCAG 2.2 and good practice, or by those
 * of `rules` alone: a line for each element.
 */
export async function violations(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  // Not as a script of the page: its Content-Security-Policy takes none.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(`${AXE};0`);
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  const results: Results = await page.evaluate(`axe.run(${JSON.stringify(options)})`);
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id} (${help}): ${target.join(' ')}`),
  );
}
