/** How a request is turned away before anything of it is kept. */
export interface Refusal {
  readonly status: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}
