import { trimmedKey } from '../lambdas/shared/database.ts';

/** Supabase's REST interface to tables, for what no SQL function is there for. */
export interface Rest {
  /**
   * @param path below /rest/v1, with its query
   * @returns the answer, also a refusal
   * @throws when there is no answer within 10 s
   */
  ask(path: string, options?: RestOptions): Promise<RestAnswer>;
}

export interface RestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RestAnswer {
  readonly status: number;
  /** Undefined where the body is empty or not JSON. */
  readonly json: unknown;
}

const TIMEOUT_MS = 10_000;

export function connectRest(url: string, key: string): Rest {
  return {
    async ask(path, { method = 'GET', body, headers = {} } = {}) {
      const secret = trimmedKey(key);
      if (!secret) throw new Error('the key holds characters that no key has: copy it again');
      const response = await fetch(`${url.replace(/\/+$/, '')}/rest/v1${path}`, {
        method,
        headers: { apikey: secret, Authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, json: parse(await response.text()) };
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What PostgREST says of a refusal: its code and message. */
export function refusalOf({ status, json }: RestAnswer): { code: string; message: string } {
  const { code = '', message = '' } = (json ?? {}) as { code?: string; message?: string };
  return { code, message: message || `HTTP ${status}` };
}
