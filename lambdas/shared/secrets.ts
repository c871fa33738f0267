import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { SSMClient } from '@aws-sdk/client-ssm';

/** Powertools' own default is 5 s; a secret changes rarely, and SSM throttles. */
const MAX_AGE_SECONDS = 300;

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
  const provider = new SSMProvider({ awsSdkV3Client: new SSMClient(SSM_LIMITS) });
  const lastKnown = new Map<string, string>();

  async function read(name: string, forceFetch = false): Promise<string> {
    try {
      const value = await provider.get(name, { decrypt: true, maxAge: MAX_AGE_SECONDS, forceFetch });
      if (!value) throw new Error('it is empty');
      lastKnown.set(name, value);
      return value;
    } catch (error) {
      const known = lastKnown.get(name);
      if (known === undefined || isMissing(error)) {
        throw new Error(`cannot read the secret ${name} from SSM: ${(error as Error).message}`, { cause: error });
      }
      warn(`SSM does not answer, going on with the last known value of ${name}`, error as Error);
      return known;
    }
  }
  return { read: (name) => read(name), readAgain: (name) => read(name, true) };
}

/** Two tries of at most 3 s each, so that a silent SSM cannot use up a run. */
const SSM_LIMITS = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
};

/** Powertools wraps what the SDK threw. */
export function isMissing(error: unknown): boolean {
  const { name, cause } = (error ?? {}) as Partial<Error>;
  return name === 'ParameterNotFound' || (cause !== undefined && isMissing(cause));
}
