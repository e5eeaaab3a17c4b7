/** Settles when `holds` does, asked again and again; rejects after half a minute. */
export async function eventually(holds: () => boolean | Promise<boolean>, what = 'what was waited for'): Promise<void> {
  const until = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
