import type { InvocationResult } from '../function-process.ts';
import type { Answer } from './answer.ts';
import { Refusal } from './refusal.ts';

/** What Lambda carries in either direction of a synchronous call. */
export const MOST_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** Headers that the gateway writes itself; the function's go on under another name. */
const REMAPPED = new Set(['connection', 'content-length', 'date', 'server']);

/** A function's answer may have these keys and no others. */
const KEYS = new Set(['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']);

type ProxyResult = {
  statusCode?: number | string;
  headers?: Record<string, unknown> | null;
  multiValueHeaders?: Record<string, unknown[]> | null;
  body?: string | null;
  isBase64Encoded?: boolean;
};

/**
 * Turns what the function returned into an answer. Lambda refusing to run it is a 500, a run that failed or returned
 * something else a 502.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html, "Handling errors"
 */
export function functionAnswer(result: InvocationResult): Answer {
  if (!result.ok) {
    throw new Refusal('DEFAULT_5XX', { status: result.errorType === 'TooManyRequestsException' ? 500 : 502 });
  }
  const value = result.value;
  if (!isProxyResult(value) || Buffer.byteLength(JSON.stringify(value)) > MOST_PAYLOAD_BYTES) {
    throw new Refusal('DEFAULT_5XX', { status: 502 });
  }
  const { statusCode = 200, body, isBase64Encoded } = value;
  // Without binary media types the gateway passes base64 on as it is.
  const text = isBase64Encoded ? Buffer.from(body ?? '', 'base64') : Buffer.from(body ?? '');
  return { status: Number(statusCode), headers: headersOf(value), body: text };
}

function isProxyResult(value: unknown): value is ProxyResult {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { statusCode = 200, headers, multiValueHeaders, body } = value as ProxyResult;
  return (
    Object.keys(value).every((key) => KEYS.has(key)) &&
    /^[1-5]\d\d$/.test(String(statusCode)) &&
    (body === undefined || body === null || typeof body === 'string') &&
    Object.values(headers ?? {}).every(isHeaderValue) &&
    Object.values(multiValueHeaders ?? {}).every((values) => Array.isArray(values) && values.every(isHeaderValue))
  );
}

function isHeaderValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number';
}

/** A name in both is taken from `multiValueHeaders`. */
function headersOf({ headers, multiValueHeaders }: ProxyResult): Map<string, string[]> {
  const all = new Map<string, string[]>([['content-type', ['application/json']]]);
  const set = (name: string, values: unknown[]) => {
    const key = name.toLowerCase();
    all.set(REMAPPED.has(key) ? `x-amzn-remapped-${key}` : key, values.map(String));
  };
  for (const [name, value] of Object.entries(headers ?? {})) set(name, [value]);
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) set(name, values);
  return all;
}
