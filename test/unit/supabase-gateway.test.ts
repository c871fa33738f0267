import { createServer } from 'node:http';
import { expect, it } from '@jest/globals';
import { close, LOOPBACK, listen } from '../../local/loopback.ts';
import { authorize, createSupabaseGateway } from '../../local/supabase.ts';

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

it('keeps its connection to PostgREST, also for a client that ends its own after each request', async () => {
  const seen: { connection: string | undefined; port: number | undefined }[] = [];
  const postgrest = createServer(({ headers, socket }, response) => {
    seen.push({ connection: headers.connection, port: socket.remotePort });
    response.end('[]');
  });
  const gateway = createSupabaseGateway(`http://${LOOPBACK}:${await listen(postgrest, 0)}`, keys);
  const door = createServer(gateway.handle);
  const url = `http://${LOOPBACK}:${await listen(door, 0)}/rest/v1/jobs`;
  for (const connection of ['close', 'keep-alive', 'close']) {
    const answer = await fetch(url, { headers: { apikey: keys.serviceKey, connection } });
    expect(await answer.text()).toBe('[]');
  }
  expect(seen).toEqual(Array(3).fill({ connection: 'keep-alive', port: seen[0]?.port }));
  gateway.close();
  await Promise.all([close(door), close(postgrest)]);
});
