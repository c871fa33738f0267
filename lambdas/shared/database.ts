import { PostgrestClient } from '@supabase/postgrest-js';

/** Calls the SQL functions of migrations/ over Supabase's REST interface. */
export interface Database {
  /**
   * @param name the SQL function
   * @param args its named arguments
   * @throws DatabaseError when the database refuses, or does not answer in time
   */
  call<T>(name: string, args?: Record<string, unknown>): Promise<T>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** A secret key (`sb_secret_…`) or a legacy service_role JWT. */
  readonly key: string;
  /** Bound on one call, its body included. @default 10,000 */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}

/** What a small team meets first, by code or else by HTTP status, and what to do about it. */
const ADVICE: Record<string, string> = {
  '42501': 'the key may not do this: SUPABASE_SERVICE_KEY must be a secret key, and all migrations applied',
  PGRST202: 'the function is missing: run npm run migrate -- up',
  PGRST301: 'the key is not one of this project: check SUPABASE_SERVICE_KEY',
  '401': 'the key was refused: check SUPABASE_SERVICE_KEY',
  '57014': 'the statement took longer than its statement_timeout',
};

const LONGEST_MESSAGE = 300;

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** False only where the database answered and refused just these arguments: other arguments may do. */
  readonly isUnavailable: boolean;
  /** The key was refused: it may have been rotated. */
  readonly isKeyRefused: boolean;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.isKeyRefused = status === 401;
    this.isUnavailable = status !== 400 && status !== 409;
  }
}

export function connectDatabase({ url, key, timeoutMs = 10_000, fetch = globalThis.fetch }: DatabaseOptions): Database {
  const secret = trimmedKey(key);
  if (!secret) throw new DatabaseError('SUPABASE_SERVICE_KEY holds characters that no key has: store it again', 0);
  const client = new PostgrestClient(`${url.replace(/\/+$/, '')}/rest/v1`, {
    // A secret key may stand in Authorization only where it equals apikey; a legacy JWT must stand there.
    headers: { apikey: secret, Authorization: `Bearer ${secret}`, 'x-application-name': 'queuekeeper' },
    fetch: boundedFetch(retryStaleSocket(fetch), timeoutMs),
    retry: false,
  });
  return {
    async call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
      const { data, error, status } = await client.rpc(name, args);
      if (error) {
        const advice = ADVICE[error.code] ?? ADVICE[status];
        const answer = status === 0 ? 'no answer' : `HTTP ${status}${error.code ? ` ${error.code}` : ''}`;
        const message = `${name}: ${answer}: ${excerpt(error.message)}${advice ? ` (${advice})` : ''}`;
        throw new DatabaseError(message, status, { cause: error });
      }
      return data as T;
    },
  };
}

/**
 * A file may end a key with a line end.
 * @returns undefined for what is no key: Node's own error about a bad header would show it
 */
export function trimmedKey(key: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(key.trim()) ? key.trim() : undefined;
}

/** A gateway may answer with a whole page instead of a message. */
function excerpt(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE).toWellFormed()}…` : message;
}

/** Every call ends in time, body included: postgrest-js's own timeout stops at the headers. */
function boundedFetch(fetch: typeof globalThis.fetch, timeoutMs: number): typeof globalThis.fetch {
  return (input, init = {}) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    return fetch(input, { ...init, signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
  };
}

/** After a frozen Lambda thaws, its first request may meet a socket that the other side has closed: once more, then. */
function retryStaleSocket(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
      if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') throw error;
      return fetch(input, init);
    }
  };
}
