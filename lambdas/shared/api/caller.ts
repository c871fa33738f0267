import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { addressBucket } from './ip-address.ts';

/** A proxy of the team's own before the API: the headers, in lower case, in which it names its client and proves itself. */
export interface TrustedProxy {
  readonly addressHeader: string;
  readonly secretHeader: string;
  readonly secret: string;
}

type Request = Pick<APIGatewayProxyEvent, 'requestContext' | 'multiValueHeaders'>;

/**
 * Whom the rate limit counts: the API key by its id, else the client's address. Only what the gateway says is believed, and
 * what a proxy says that proved itself; never X-Forwarded-For, whose beginning the client writes. The prefix keeps an
 * address from passing for a key.
 */
export function callerOf(request: Request, proxy: TrustedProxy | undefined): string {
  const { apiKeyId, sourceIp } = request.requestContext.identity;
  if (apiKeyId) return `key:${apiKeyId}`;
  const address = (proxy && addressFromProxy(request, proxy)) ?? sourceIp;
  // API Gateway's console sends a word for an address.
  return `ip:${addressBucket(address) ?? address}`;
}

/**
 * What is stored of a caller: a keyed hash of 16 bytes, for a plain one of all IPv4 addresses is made in minutes. The key is
 * derived from the database's own, so that there is no second secret to keep; when that rotates, windows begin anew.
 */
export function hashCaller(caller: string, databaseKey: string): string {
  const key = createHmac('sha256', databaseKey).update('queuekeeper rate-limit caller').digest();
  return createHmac('sha256', key).update(caller).digest().subarray(0, 16).toString('base64url');
}

/** Whether somebody claims to be the proxy and is not, as far as is known: the secret may have been rotated. */
export function bearsWrongSecret(request: Request, proxy: TrustedProxy): boolean {
  const secret = onlyValue(request, proxy.secretHeader);
  return secret !== undefined && !isSame(secret, proxy.secret);
}

function addressFromProxy(request: Request, proxy: TrustedProxy): string | undefined {
  const secret = onlyValue(request, proxy.secretHeader);
  if (secret === undefined || !isSame(secret, proxy.secret)) return undefined;
  const address = onlyValue(request, proxy.addressHeader)?.trim() ?? '';
  const forms = proxy.addressHeader === ENDS_IN_PORT ? [withoutPort(address)] : [address, withoutPort(address)];
  return forms.find((text) => isIP(text) > 0);
}

/** A header that came twice was written by two hands. */
function onlyValue({ multiValueHeaders }: Request, name: string): string | undefined {
  const values = Object.entries(multiValueHeaders ?? {}).flatMap(([header, those]) =>
    header.toLowerCase() === name ? (those ?? []) : [],
  );
  return values.length === 1 ? values[0] : undefined;
}

/**
 * 192.0.2.7:443, 2001:db8::7:443 or [2001:db8::7]:443. The second reads as an address, too, and another one: its port would
 * push the client's own bits into the first 64, where it could choose a caller for each request.
 */
const ENDS_IN_PORT = 'cloudfront-viewer-address';

function withoutPort(address: string): string {
  return /^\[?(.*?)\]?:\d{1,5}$/.exec(address)?.[1] ?? address;
}

function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
