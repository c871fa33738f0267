import type { IncomingMessage } from 'node:http';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a request comes from a page of this system, or from no page at all. Any site that a browser shows may send
 * requests to this machine; it says then where it comes from, and it cannot send JSON without asking first. A name of
 * another site's that leads here is none of ours.
 */
export function isOwnPage({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { host, origin, 'content-type': type = '' } = headers;
  if (!isOwnHost({ headers }) || !type.startsWith('application/json')) return false;
  return origin === undefined || origin === `http://${host}`;
}

/** Whether a request was sent to a name of this machine's own: a page of another site may read what its own name answers. */
export function isOwnHost({ headers: { host = '' } }: Pick<IncomingMessage, 'headers'>): boolean {
  return LOOPBACK_NAMES.includes(host.replace(/:\d+$/, ''));
}
