import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { createLocalLimit } from '../../lambdas/shared/api/local-limit.ts';
import { Refusal } from '../../lambdas/shared/api/problem.ts';
import { createRateLimiter, type Decision } from '../../lambdas/shared/api/rate-limit.ts';
import { type ApiRequest, type Route, serve } from '../../lambdas/shared/api/serve.ts';
import { DatabaseError } from '../../lambdas/shared/database.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const LIMIT = { maxRequests: 100, windowMs: 60_000 };
const ADMITTED: Decision = { allowed: true, limit: 100, remaining: 57, retry_after_ms: 0, reset_ms: 42_000 };
const REFUSED: Decision = { allowed: false, limit: 100, remaining: 0, retry_after_ms: 41_500, reset_ms: 41_500 };
const AWAY = new DatabaseError('check_rate_limit: no answer', 0);

type Reply = Decision | Error | (() => Promise<unknown>);

/** The API with a database that replies to the limiter and to the data, and remembers what it was called with. */
function anApi({
  limiter = ADMITTED as Reply,
  data = { ok: true } as object | Error,
  route = {} as Partial<Route>,
  mode = 'enforce' as 'enforce' | 'shadow',
} = {}) {
  const calls: string[] = [];
  const reply = async (value: Reply | object) => {
    if (value instanceof Error) throw value;
    return typeof value === 'function' ? value() : value;
  };
  const database = {
    async call<T>(name: string) {
      calls.push(name);
      return (await reply(name === 'check_rate_limit' ? limiter : data)) as T;
    },
  };
  const limiting = createRateLimiter({ ...LIMIT, route: 'GET /x', mode, now: () => NOW });
  const localLimit = createLocalLimit({ ...LIMIT, maxRequests: 2, now: () => NOW });
  const whole: Route = {
    whenLimiterFails: 'refuse',
    answer: async (request: ApiRequest) => ({ status: 200, body: await request.database.call<object>('data') }),
    ...route,
  };
  const get = async ({
    headers = {} as Record<string, string>,
    corsOrigins = [] as string[],
    connect = database as typeof database | Error,
  } = {}) => {
    const event = { headers, multiValueHeaders: {}, requestContext: { identity: { sourceIp: '192.0.2.7' } } };
    const served = await serve({
      route: whole,
      limit: LIMIT,
      limiter: limiting,
      mode,
      localLimit,
      connect: async () => {
        if (connect instanceof Error) throw connect;
        return { database: connect, key: 'sb_secret_x' };
      },
      proxy: undefined,
      event: event as unknown as APIGatewayProxyEvent,
      requestId: 'request-1',
      corsOrigins,
      now: () => NOW,
    });
    return { ...served, body: JSON.parse(served.response.body), headers: served.response.headers ?? {} };
  };
  return { calls, get };
}

describe('an admitted request', () => {
  test('gets its data, the headers of the limit, and no cache', async () => {
    const { get } = anApi();
    const { response, body } = await get();
    expect(response.statusCode).toBe(200);
    expect(body).toEqual({ ok: true });
    expect(response.headers).toEqual({
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'RateLimit-Policy': '"per-caller";q=100;w=60',
      RateLimit: '"per-caller";r=57;t=42',
      'X-RateLimit-Limit': '100',
      'X-RateLimit-Remaining': '57',
      'X-RateLimit-Reset': String(NOW / 1_000 + 42),
    });
  });

  test('asks for the limit and for the data before it has either', async () => {
    const limit = Promise.withResolvers<Decision>();
    const { get, calls } = anApi({ limiter: () => limit.promise });
    const answering = get();
    await new Promise(setImmediate);
    expect(calls.sort()).toEqual(['check_rate_limit', 'data']);
    limit.resolve(ADMITTED);
    expect((await answering).response.statusCode).toBe(200);
  });

  test('that is wrong gets a problem that says so, and counts all the same', async () => {
    const answer = () => Promise.reject(new Refusal(400, 'limit is "x", wanted 1 to 100'));
    const { get, calls } = anApi({ route: { answer } });
    const { response, body, headers, fault } = await get();
    expect(response.statusCode).toBe(400);
    expect(headers).toMatchObject({ 'Content-Type': 'application/problem+json', 'X-RateLimit-Remaining': '57' });
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'limit is "x", wanted 1 to 100',
      instance: 'urn:request:request-1',
    });
    expect(calls).toEqual(['check_rate_limit']);
    expect(fault).toBeUndefined();
  });

  test('that fails here gets a bare 500 with its id; the cause is for the log', async () => {
    const cause = new Error('relation "secret_table" does not exist');
    const { get } = anApi({ data: cause });
    const { response, fault } = await get();
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('secret_table');
    expect(response.body).toContain('urn:request:request-1');
    expect(fault).toBe(cause);
  });

  test('whose data the database cannot give now is told when to come back', async () => {
    const { get } = anApi({ data: new DatabaseError('customer_queue: HTTP 500 57014: too long', 500) });
    const { response, headers, body, fault } = await get();
    expect(response.statusCode).toBe(503);
    expect(headers).toMatchObject({ 'Retry-After': '5' });
    expect(body.type).toBe('https://iana.org/assignments/http-problem-types#temporary-reduced-capacity');
    expect(fault).toBeDefined();
  });
});

describe('a request over the limit', () => {
  test('gets 429, when to come back, and none of the data', async () => {
    const { get } = anApi({ limiter: REFUSED });
    const { response, headers, body } = await get();
    expect(response.statusCode).toBe(429);
    expect(headers).toMatchObject({
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'Retry-After': '42',
      RateLimit: '"per-caller";r=0;t=42',
      'X-RateLimit-Remaining': '0',
    });
    expect(body).toEqual({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      status: 429,
      detail: '100 requests per 60 seconds. Retry in 42 s.',
      instance: 'urn:request:request-1',
      'violated-policies': ['per-caller'],
    });
  });

  test('does not wait for the data', async () => {
    const { get } = anApi({ limiter: REFUSED, route: { answer: () => new Promise(() => {}) } });
    expect((await get()).response.statusCode).toBe(429);
  });

  test('costs nothing when it comes again', async () => {
    const { get, calls } = anApi({ limiter: REFUSED });
    await get();
    calls.length = 0;
    expect((await get()).response.statusCode).toBe(429);
    expect(calls).toEqual([]);
  });
});

describe('while the limiter does not answer', () => {
  test('a route that may not answer uncounted says 503, and makes up no remainder', async () => {
    const { get } = anApi({ limiter: AWAY });
    const { response, headers, outcome } = await get();
    expect(response.statusCode).toBe(503);
    expect(headers).toMatchObject({ 'Retry-After': '5', 'RateLimit-Policy': '"per-caller";q=100;w=60' });
    expect(headers).not.toHaveProperty('RateLimit');
    expect(outcome.outcome).toBe('unavailable');
  });

  test('a route that must answer does, within a limit of this process', async () => {
    const { get } = anApi({ limiter: AWAY, route: { whenLimiterFails: 'answer' } });
    expect((await get()).response.statusCode).toBe(200);
    const second = await get();
    expect(second.response.statusCode).toBe(200);
    expect(second.headers).not.toHaveProperty('RateLimit');
    expect(second.outcome.outcome).toBe('unavailable');
    expect((await get()).response.statusCode).toBe(429);
  });

  test.each(['answer', 'refuse'] as const)('shadow mode refuses nobody, where the route would %s', async (policy) => {
    const { get } = anApi({ limiter: AWAY, mode: 'shadow', route: { whenLimiterFails: policy } });
    const answers = [await get(), await get(), await get()];
    expect(answers.map(({ response }) => response.statusCode)).toEqual([200, 200, 200]);
    expect(answers[2]?.outcome.outcome).toBe('unavailable');
  });

  test('and not even the key can be read, it is the same', async () => {
    const connect = new Error('cannot read the secret from SSM');
    expect((await anApi().get({ connect })).response.statusCode).toBe(503);
    const answer = async () => ({ status: 503, body: { status: 'unhealthy' } });
    const health = anApi({ route: { whenLimiterFails: 'answer', answer } });
    expect((await health.get({ connect })).body).toEqual({ status: 'unhealthy' });
  });
});

describe('a page of another origin', () => {
  const corsOrigins = ['https://example.com', 'http://localhost:5173'];

  test.each(corsOrigins)('%s may read the answer and its headers where it is allowed', async (origin) => {
    const { headers } = await anApi().get({ corsOrigins, headers: { Origin: origin } });
    expect(headers).toMatchObject({
      Vary: 'Origin',
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Expose-Headers': expect.stringContaining('RateLimit'),
    });
  });

  test('may read a refusal too', async () => {
    const { headers } = await anApi({ limiter: REFUSED }).get({
      corsOrigins,
      headers: { origin: 'https://example.com' },
    });
    expect(headers).toMatchObject({ 'Access-Control-Allow-Origin': 'https://example.com' });
  });

  test.each([
    'https://evil.example',
    'https://example.com.evil.example',
    'null',
    'https://example.com\r\nX-Evil: 1',
    '',
  ])('%j may not, and is not written back', async (origin) => {
    const { headers } = await anApi().get({ corsOrigins, headers: { origin } });
    expect(headers).toMatchObject({ Vary: 'Origin' });
    expect(headers).not.toHaveProperty('Access-Control-Allow-Origin');
    expect(JSON.stringify(headers)).not.toContain('vil');
  });

  test('gets no header at all where none is allowed', async () => {
    const { headers } = await anApi().get({ headers: { origin: 'https://example.com' } });
    expect(Object.keys(headers).filter((name) => /^(access-control|vary)/i.test(name))).toEqual([]);
  });
});
