import { STATUS_CODES } from 'node:http';
import type { Cors } from './api-cors.ts';

/** What the gateway itself answers, in the shape of the functions' own answers: a problem document (RFC 9457). */
export function gatewayProblem(status: number, detail: string): string {
  const title = STATUS_CODES[status] ?? 'Unknown';
  // The gateway fills the id in; a template of a gateway response can do no more than that. Not $context.requestId: a client
  // may choose that one, by the header x-amzn-RequestId.
  const instance = 'urn:request:$context.extendedRequestId';
  return JSON.stringify({ type: 'about:blank', title, status, detail, instance });
}

/** The headers of such an answer. */
export function gatewayProblemHeaders(cors: Cors | undefined): Record<string, string> {
  return {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(cors && {
      'Access-Control-Allow-Origin': cors.gatewayOrigin,
      'Access-Control-Expose-Headers': 'Retry-After',
    }),
  };
}

/** Mappings of the gateway from fixed texts, which it wants in single quotes. */
export function fixedHeaders(prefix: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [`${prefix}${name}`, `'${value}'`]));
}
