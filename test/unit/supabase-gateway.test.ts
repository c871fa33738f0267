import { expect, it } from '@jest/globals';
import { authorize } from '../../local/supabase.ts';

const keys = { serviceKey: 'sb_secret_s', anonKey: 'sb_publishable_a', jwtSecret: 'x'.repeat(32) };
const A_JWT = 'head.claims.signature';

/** What the role claim of the token is that goes on to PostgREST, or why nothing does. */
function outcome(headers: Record<string, string>): string {
  const decision = authorize(headers, keys);
  if ('refusal' in decision) return decision.refusal;
  const token = decision.header.replace('Bearer ', '');
  if (token === A_JWT) return 'passed as it is';
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).role;
}

it.each([
  [{ apikey: keys.serviceKey }, 'service_role'],
  [{ apikey: keys.serviceKey, authorization: `Bearer ${keys.serviceKey}` }, 'service_role'],
  [{ apikey: keys.anonKey }, 'anon'],
  [{ apikey: A_JWT }, 'passed as it is'],
  [{ apikey: keys.anonKey, authorization: `Bearer ${A_JWT}` }, 'passed as it is'],
  [{ authorization: `Bearer ${A_JWT}` }, 'passed as it is'],
  [{ apikey: keys.anonKey, authorization: `Bearer ${keys.serviceKey}` }, 'Invalid API key'],
  [{ apikey: 'sb_secret_wrong' }, 'Invalid API key'],
  [{ apikey: 'nonsense' }, 'Invalid API key'],
  [{}, 'No API key found in request'],
])('%j is %s', (headers: Record<string, string>, role) => {
  expect(outcome(headers)).toBe(role);
});
