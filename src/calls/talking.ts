/** Which devices are in answered calls, whoever called. */
export class Talking {
  readonly #calls = new Map<string, number>();

  has(deviceId: string): boolean {
    return this.#calls.has(deviceId);
  }

  /** Gives the way to say that the call of these devices is over. */
  begin(...deviceIds: readonly (string | undefined)[]): () => void {
    const own = deviceIds.filter((id) => id !== undefined && id !== '') as string[];
    for (const id of own) this.#calls.set(id, (this.#calls.get(id) ?? 0) + 1);
    return () => {
      for (const id of own.splice(0)) {
        const left = (this.#calls.get(id) ?? 1) - 1;
        if (left > 0) this.#calls.set(id, left);
        else this.#calls.delete(id);
      }
    };
  }
}
