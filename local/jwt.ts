import { createHmac } from 'node:crypto';

/** Ten years: a local key never expires in the middle of someone's day. */
const LIFETIME_SECONDS = 10 * 365 * 24 * 3600;

/** Signs a token as Supabase does (HS256), with the database role that PostgREST shall take. */
export function signRole(role: string, secret: string, nowMs = Date.now()): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const head = encode({ alg: 'HS256', typ: 'JWT' });
  const claims = encode({ role, iss: 'supabase', iat: issuedAt, exp: issuedAt + LIFETIME_SECONDS });
  const signature = createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url');
  return `${head}.${claims}.${signature}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
