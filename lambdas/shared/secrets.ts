import { isMissing, readParameter } from './parameter.ts';

/** A secret changes rarely, and SSM throttles. */
const MAX_AGE_MS = 300_000;
/** Two tries of at most 3 s each, so that a silent SSM cannot use up a run. */
const TRIES = 2;
const TIMEOUT_MS = 3_000;

export interface Secrets {
  /**
   * @param name of an SSM SecureString parameter
   * @returns its value, at most 5 minutes old; the last known one while SSM does not answer
   * @throws when SSM does not answer and the value was never read, or when there is no such parameter
   */
  read(name: string): Promise<string>;
  /** The same, past the cache: for a secret that was just refused, because it may have been rotated. */
  readAgain(name: string): Promise<string>;
}

export function secretsFromSsm(warn: (message: string, error: Error) => void): Secrets {
  const known = new Map<string, { readonly value: string; readonly readAt: number }>();

  async function readAgain(name: string): Promise<string> {
    try {
      const value = await readTwice(name);
      if (!value) throw new Error('it is empty');
      known.set(name, { value, readAt: Date.now() });
      return value;
    } catch (error) {
      const last = known.get(name);
      if (!last || isMissing(error)) {
        throw new Error(`cannot read the secret ${name} from SSM: ${(error as Error).message}`, { cause: error });
      }
      warn(`SSM does not answer, going on with the last known value of ${name}`, error as Error);
      return last.value;
    }
  }

  return {
    readAgain,
    async read(name) {
      const last = known.get(name);
      return last && Date.now() - last.readAt < MAX_AGE_MS ? last.value : readAgain(name);
    },
  };
}

async function readTwice(name: string): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readParameter(name, TIMEOUT_MS);
    } catch (error) {
      if (tries === TRIES || isMissing(error)) throw error;
    }
  }
}
