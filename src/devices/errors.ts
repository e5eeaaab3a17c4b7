/** Why a REGISTER is refused. Becomes the answer; nothing is stored. */
export class RegisterError extends Error {
  override readonly name = 'RegisterError';
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];

  constructor(status: number, reason: string, headers: readonly (readonly [string, string])[] = []) {
    super(reason);
    this.status = status;
    this.headers = headers;
  }
}
