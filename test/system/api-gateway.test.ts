import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createGateway, type Served } from '../../local/api/gateway.ts';
import { type ApiKeys, createApiKeys } from '../../local/api/keys.ts';
import type { ApiPlan } from '../../local/api/plan.ts';
import { type FrontDoor, startFrontDoor } from '../../local/front-door.ts';
import type { InvocationResult } from '../../local/function-process.ts';
import { planTestApi } from './api-template.ts';

type Event = Record<string, unknown> & {
  headers: Record<string, string>;
  requestContext: Record<string, unknown> & { identity: Record<string, unknown> };
};

let plan: ApiPlan;
let door: FrontDoor;
let keys: ApiKeys;
let served: Served[];
/** What the function does instead of telling its event. */
let next: ((event: object) => InvocationResult | Promise<InvocationResult>) | undefined;

const returning = (value: unknown): InvocationResult => ({ ok: true, value, logs: [], durationMs: 1 });
const failing = (errorType: string): InvocationResult => ({
  ok: false,
  errorType,
  errorMessage: 'no',
  logs: [],
  durationMs: 1,
});

beforeAll(async () => {
  plan = planTestApi();
  keys = createApiKeys({ plan });
  const invoke = async (_name: string, event: object) =>
    next ? next(event) : returning({ statusCode: 200, body: JSON.stringify(event) });
  door = await startFrontDoor(0);
  door.otherwise(createGateway({ plan, keys, invoke, onServed: (one) => served.push(one) }));
});
afterAll(() => door.stop());
beforeEach(() => {
  next = undefined;
  served = [];
});

type Options = { method?: string; headers?: Record<string, string | string[]>; body?: string | Buffer };

/** Sends the path as it is: fetch would tidy it. */
function ask(path: string, { method = 'GET', headers = {}, body }: Options = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(door.origin);
    const request = httpRequest({ hostname, port, path, method, headers }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    request.once('error', reject);
    request.end(body);
  });
}

const eventOf = async (path: string, options?: Options): Promise<Event> => JSON.parse((await ask(path, options)).text);
const firstKey = () => keys.list().find(({ name }) => name === 'queuekeeper-test-first')?.value ?? '';
/** A key of its own has buckets of its own. */
function aKey(planName?: 'starter' | 'small', enabled = true): string {
  const key = keys.create({ name: 'another', enabled });
  const usagePlan = plan.usagePlans.find(({ name }) => name === `queuekeeper-test-${planName}`);
  if (usagePlan) keys.change(key, { planId: usagePlan.id });
  return key.value;
}

describe('the event of a function', () => {
  it('is that of a REST API with a proxy integration', async () => {
    const event = await eventOf('/api/health?a=1&a=2&b=%C3%A4+c', {
      headers: { 'User-Agent': 'a test', 'X-Twice': ['one', 'two'], Host: 'api.example.com:3000' },
    });
    expect(event).toEqual({
      resource: '/api/health',
      path: '/api/health',
      httpMethod: 'GET',
      headers: expect.objectContaining({ 'User-Agent': 'a test', 'X-Twice': 'two', Host: 'api.example.com:3000' }),
      multiValueHeaders: expect.objectContaining({ 'User-Agent': ['a test'], 'X-Twice': ['one', 'two'] }),
      queryStringParameters: { a: '2', b: 'ä c' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['ä c'] },
      pathParameters: null,
      stageVariables: null,
      requestContext: expect.objectContaining({
        accountId: '000000000000',
        domainName: 'api.example.com',
        domainPrefix: 'api',
        httpMethod: 'GET',
        path: '/api/health',
        protocol: 'HTTP/1.1',
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        requestTime: expect.stringMatching(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        requestTimeEpoch: expect.any(Number),
        resourcePath: '/api/health',
        stage: 'prod',
        identity: expect.objectContaining({ sourceIp: '127.0.0.1', userAgent: 'a test', caller: null }),
      }),
      body: null,
      isBase64Encoded: false,
    });
    expect(event.requestContext.identity).not.toHaveProperty('apiKey');
  });

  it('has the address of the connection, whatever X-Forwarded-For says', async () => {
    const event = await eventOf('/api/health', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
    expect(event.requestContext.identity).toMatchObject({ sourceIp: '127.0.0.1' });
    expect(event.headers['X-Forwarded-For']).toBe('203.0.113.9, 127.0.0.1');
  });

  it('has no query, not an empty one, where there is none', async () => {
    expect(await eventOf('/api/health')).toMatchObject({
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
    });
  });

  it('has the parameters of the path as the client encoded them', async () => {
    const headers = { 'x-api-key': aKey('starter') };
    const event = await eventOf('/api/queue/a%2Fb%00%40+c', { headers });
    expect(event).toMatchObject({
      resource: '/api/queue/{customerId}',
      path: '/api/queue/a%2Fb%00%40+c',
      pathParameters: { customerId: 'a%2Fb%00%40+c' },
    });
  });

  it('has the key, and its id, of a method that asks for one', async () => {
    const event = await eventOf('/api/queue/acme', { headers: { 'x-api-key': firstKey() } });
    const { id } = keys.byValue(firstKey()) ?? {};
    expect(event.requestContext.identity).toMatchObject({ apiKey: firstKey(), apiKeyId: id });
  });

  it('has a body as text', async () => {
    const headers = { 'content-type': 'application/json' };
    expect(await eventOf('/api/post', { method: 'POST', headers, body: '{"ä":1}' })).toMatchObject({
      body: '{"ä":1}',
      isBase64Encoded: false,
    });
  });
});

describe('the routes', () => {
  it.each([
    ['/api/health/', '/api/health'],
    ['/api/queue/fixed', '/api/queue/fixed'],
  ])('take %s to %s', async (path, resource) => {
    expect(await eventOf(path)).toMatchObject({ resource });
  });

  it.each(['/', '/api', '/api/queue', '/api/queue/', '/api/unknown', '/api//health', '/API/health', '/api/queue/a/b'])(
    'know no %s',
    async (path) => {
      const { status, headers, text } = await ask(path);
      expect(status).toBe(404);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(JSON.parse(text)).toEqual({
        title: 'refused',
        type: 'MISSING_AUTHENTICATION_TOKEN',
        id: headers['x-amzn-requestid'],
      });
    },
  );

  it('let a client choose the one id of its request, and not the other', async () => {
    const { headers } = await ask('/api/unknown', {
      headers: { 'X-Amzn-RequestId': 'mine', 'x-amz-apigw-id': 'mine' },
    });
    expect(headers['x-amzn-requestid']).toBe('mine');
    expect(headers['x-amz-apigw-id']).toMatch(/^[\w+/]+=+$/);
  });

  it.each(['POST', 'DELETE', 'HEAD'])('answer %s from the template, without a function', async (method) => {
    next = () => failing('must not be called');
    const { status, headers, text } = await ask('/api/health', { method });
    expect({ status, allow: headers['allow'] }).toEqual({ status: 405, allow: 'GET' });
    if (method !== 'HEAD') expect(JSON.parse(text)).toEqual({ id: headers['x-amzn-requestid'] });
  });

  it('refuse a body of a type that the template does not know', async () => {
    const headers = { 'content-type': 'text/xml' };
    expect(await ask('/api/health', { method: 'POST', headers, body: '<a/>' })).toMatchObject({ status: 415 });
  });

  it('refuse a request without a parameter that is needed', async () => {
    expect(await ask('/api/search?q=1')).toMatchObject({ status: 200 });
    expect(await ask('/api/search?p=1')).toMatchObject({
      status: 400,
      text: '{"message":"Missing required request parameters: [q]"}',
    });
  });
});

describe('who may come in', () => {
  it.each<[string, () => Record<string, string>]>([
    ['no key', () => ({})],
    ['a wrong key', () => ({ 'x-api-key': 'wrong' })],
    ['a key in no plan', () => ({ 'x-api-key': aKey() })],
    ['a revoked key', () => ({ 'x-api-key': aKey('starter', false) })],
  ])('is not someone with %s', async (_what, headers) => {
    expect(await ask('/api/queue/acme', { headers: headers() })).toMatchObject({
      status: 403,
      text: '{"message":"Forbidden"}',
    });
  });

  it("is throttled by the burst of a key's plan, each key by itself", async () => {
    const [one, other] = [aKey('starter'), aKey('starter')];
    const statuses = async (key: string) => {
      const seen: number[] = [];
      for (let index = 0; index < 4; index += 1) {
        seen.push((await ask('/api/queue/acme', { headers: { 'x-api-key': key } })).status);
      }
      return seen;
    };
    expect(await statuses(one)).toEqual([200, 200, 200, 429]);
    expect(await statuses(other)).toEqual([200, 200, 200, 429]);
  });

  it("is refused beyond the quota of a key's plan", async () => {
    const headers = { 'x-api-key': aKey('small') };
    const answers = [];
    for (let index = 0; index < 3; index += 1) answers.push(await ask('/api/queue/acme', { headers }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.text).toBe('{"message":"Limit Exceeded"}');
  });

  it('is throttled by the stage where no key is needed, in the words of the template', async () => {
    const answers = [];
    for (let index = 0; index < 3; index += 1) answers.push(await ask('/api/tight'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(JSON.parse(answers[2]?.text ?? '')).toMatchObject({ type: 'THROTTLED' });
  });
});

describe('what a function answers', () => {
  it('goes to the client with its headers, single and many', async () => {
    next = () =>
      returning({
        statusCode: 201,
        headers: { 'X-One': '1', 'X-Both': 'lost', 'Content-Type': 'text/plain' },
        multiValueHeaders: { 'X-Both': ['a', 'b'] },
        body: 'hällo',
      });
    expect(await ask('/api/health')).toMatchObject({
      status: 201,
      headers: { 'x-one': '1', 'x-both': 'a, b', 'content-type': 'text/plain' },
      text: 'hällo',
    });
  });

  it.each<[string, InvocationResult]>([
    ['text', returning('hello')],
    ['nothing', returning(null)],
    ['a body that is no text', returning({ statusCode: 200, body: { a: 1 } })],
    ['a key that is not known', returning({ statusCode: 200, status: 'x' })],
    ['a status that is none', returning({ statusCode: 'fine' })],
    ['a header that is no text', returning({ statusCode: 200, headers: { a: {} } })],
    ['more than 6 MB', returning({ statusCode: 200, body: 'x'.repeat(6 * 1024 * 1024) })],
    ['an error', failing('TypeError')],
    ['too late for its own timeout', failing('Sandbox.Timedout')],
  ])('is a 502 when it is %s', async (_what, result) => {
    next = () => result;
    expect(await ask('/api/health')).toMatchObject({ status: 502, text: '{"message":"Internal server error"}' });
  });

  it('is a 500 when Lambda does not run it', async () => {
    next = () => failing('TooManyRequestsException');
    expect(await ask('/api/health')).toMatchObject({ status: 500 });
  });

  it("is a 504 when it comes after the integration's timeout", async () => {
    next = () => new Promise((resolve) => setTimeout(resolve, 300, returning({ statusCode: 200 })));
    expect(await ask('/api/slow')).toMatchObject({ status: 504, text: '{"message":"Endpoint request timed out"}' });
    expect(await ask('/api/health')).toMatchObject({ status: 200 });
  });
});

describe('what is too large', () => {
  it('is a body over 10 MB, and one that the function could not take', async () => {
    const post = (bytes: number) => ask('/api/post', { method: 'POST', body: Buffer.alloc(bytes, 'x') });
    expect(await post(5 * 1024 * 1024)).toMatchObject({ status: 200 });
    expect(await post(7 * 1024 * 1024)).toMatchObject({ status: 413, text: '{"message":"Request Too Long"}' });
    expect(await post(10 * 1024 * 1024 + 1)).toMatchObject({ status: 413 });
  });

  it('is a head of more than 10,240 bytes', async () => {
    expect(await ask('/api/health', { headers: { a: 'x'.repeat(9_900) } })).toMatchObject({ status: 200 });
    expect(await ask('/api/health', { headers: { a: 'x'.repeat(10_300) } })).toMatchObject({ status: 413 });
  });
});

it('tells of each request what its metrics are made of', async () => {
  await ask('/api/health');
  await ask('/nothing');
  expect(served).toEqual([
    { resourcePath: '/api/health', httpMethod: 'GET', status: 200, latencyMs: expect.any(Number) },
    { resourcePath: '', httpMethod: 'GET', status: 404, latencyMs: expect.any(Number) },
  ]);
});
