import { ProvisionError } from '../../devices/provisioning.js';
import { UserError } from '../../devices/stored-users.js';
import { unprocessable } from './problem.js';

/** Does it; what can't be provisioned becomes a problem (422) that names the part. */
export async function provisioned<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProvisionError) {
      const inPath = error.field === 'aor' || error.field === 'id';
      throw unprocessable({ in: inPath ? 'path' : 'body', path: error.field, allowed: after(error.message) });
    }
    if (error instanceof UserError) {
      const field = error.message.slice(0, error.message.indexOf(':'));
      throw unprocessable({ in: 'body', path: field, allowed: after(error.message) });
    }
    throw error;
  }
}

const after = (message: string): string => message.slice(message.indexOf(':') + 1).trim();
