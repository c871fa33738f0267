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

export interface SecretsOptions {
  /** Where an older value is known, SSM gets so long for each of two tries. @default 3,000 */
  readonly patienceMs?: number;
  /**
   * After a failure SSM is left alone for so long, and its last answer stands: a flood of requests must not use up what
   * the whole account may ask. @default 0
   */
  readonly pauseMs?: number;
}

type Known = { readonly value: string; readonly readAt: number };
/** What came of a question that failed. */
type Failed = { readonly answer: Promise<string>; readonly askedAt: number };

export function secretsFromSsm(
  warn: (message: string, error: Error) => void,
  { patienceMs = TIMEOUT_MS, pauseMs = 0 }: SecretsOptions = {},
): Secrets {
  const known = new Map<string, Known>();
  const failed = new Map<string, Failed>();

  async function ask(name: string): Promise<string> {
    const last = known.get(name);
    try {
      const value = await readTwice(name, last ? patienceMs : TIMEOUT_MS);
      if (!value) throw new Error('it is empty');
      known.set(name, { value, readAt: Date.now() });
      return value;
    } catch (error) {
      const answer = withoutSsm(name, last, error as Error);
      answer.catch(() => {}); // whoever asks now or later hears of it
      failed.set(name, { answer, askedAt: Date.now() });
      return answer;
    }
  }

  async function withoutSsm(name: string, last: Known | undefined, error: Error): Promise<string> {
    if (!last || isMissing(error)) {
      throw new Error(`cannot read the secret ${name} from SSM: ${error.message}`, { cause: error });
    }
    warn(`SSM does not answer, going on with the last known value of ${name}`, error);
    return last.value;
  }

  async function readAgain(name: string): Promise<string> {
    const last = failed.get(name);
    return last && Date.now() - last.askedAt < pauseMs ? last.answer : ask(name);
  }

  return {
    readAgain,
    async read(name) {
      const last = known.get(name);
      return last && Date.now() - last.readAt < MAX_AGE_MS ? last.value : readAgain(name);
    },
  };
}

async function readTwice(name: string, timeoutMs: number): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readParameter(name, timeoutMs);
    } catch (error) {
      if (tries === TRIES || isMissing(error)) throw error;
    }
  }
}
