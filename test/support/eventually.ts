/** Settles when `holds` does, asked again and again; rejects after `patience` milliseconds, or half a minute. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what = 'what was waited for',
  patience = 30_000,
): Promise<void> {
  const until = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
