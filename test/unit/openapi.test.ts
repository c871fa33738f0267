import { STATUS_CODES } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { ROUTE as HEALTH } from '../../lambdas/health/env.ts';
import { ROUTE as QUEUE } from '../../lambdas/queue-status/env.ts';
import { type ApiAnswer, at, contract, mismatches, violations } from '../openapi.ts';

type Found = { readonly pointer: string; readonly name: string; readonly value: unknown };

/** All of the contract, each value with the place where it stands. */
function everything(value: unknown = contract, pointer = ''): Found[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const inside = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [{ pointer: inside, name, value: inner }, ...everything(inner, inside)];
  });
}
const called = (name: string) => everything().filter((found) => found.name === name);

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const PROBLEM = 'application/problem+json';

describe('the contract', () => {
  test('describes the routes that are there, and no other', () => {
    const routes = called('paths').flatMap(({ value }) =>
      Object.entries(value as object).flatMap(([path, item]) =>
        Object.keys(item).flatMap((method) => (METHODS.includes(method) ? [`${method.toUpperCase()} ${path}`] : [])),
      ),
    );
    expect(routes.filter((route) => route.startsWith('GET ')).sort()).toEqual([HEALTH, QUEUE].sort());
    expect(routes.filter((route) => !route.startsWith('OPTIONS '))).toHaveLength(2);
  });

  test('leads with every reference to something', () => {
    const references = called('$ref').map(({ value }) => String(value));
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) {
      expect(reference).toMatch(/^#\//);
      expect(at(reference.slice(1)).node).toBeDefined();
    }
  });

  test('has no part that nothing refers to', () => {
    const references = new Set(called('$ref').map(({ value }) => value));
    const parts = everything().filter(({ pointer }) => /^\/components\/(schemas|responses)\/[^/]+$/.test(pointer));
    expect(parts.length).toBeGreaterThan(20);
    expect(parts.map(({ pointer }) => `#${pointer}`).filter((pointer) => !references.has(pointer))).toEqual([]);
  });

  test('has only schemas that a validator understands', () => {
    const schemas = called('schema').map(({ pointer }) => pointer);
    const named = everything().filter(({ pointer }) => /^\/components\/schemas\/[^/]+$/.test(pointer));
    expect(schemas.length).toBeGreaterThan(50);
    for (const pointer of [...schemas, ...named.map((found) => found.pointer)]) {
      expect(() => mismatches(at(pointer), null)).not.toThrow();
    }
  });

  test('says of every object which keys it has, that all are there, and that there are no others', () => {
    const objects = everything().filter(
      ({ pointer, value }) =>
        /^\/components\/schemas\//.test(pointer) && (value as { type?: unknown } | null)?.type === 'object',
    );
    expect(objects.length).toBeGreaterThan(10);
    for (const { pointer, value } of objects) {
      const { additionalProperties, required, properties } = value as Record<string, object>;
      const optional = pointer.endsWith('/Problem') ? ['violated-policies'] : [];
      expect({ pointer, additionalProperties }).toEqual({ pointer, additionalProperties: false });
      expect([...(required as string[]), ...optional].sort()).toEqual(Object.keys(properties ?? {}).sort());
    }
  });

  test('says what every response is, and shows one with a body', () => {
    const responses = everything().filter(({ pointer }) => /\/responses\/[^/]+$/.test(pointer));
    for (const { pointer, value } of responses) {
      if (Object.hasOwn(value as object, '$ref')) continue;
      const { description, content } = value as {
        description?: string;
        content?: Record<string, { examples?: object }>;
      };
      expect({ pointer, description }).toEqual({ pointer, description: expect.stringMatching(/\w/) });
      for (const { examples } of Object.values(content ?? {})) {
        expect(Object.keys(examples ?? {}).length).toBeGreaterThan(0);
      }
    }
  });

  test('keeps its own word: every example is valid', () => {
    const examples = everything().filter(({ pointer }) => /\/examples\/[^/]+\/value$/.test(pointer));
    expect(examples.length).toBeGreaterThan(12);
    for (const { pointer, value } of examples) {
      const schema = at(pointer.replace(/\/examples\/.*$/, '/schema'));
      expect({ pointer, mismatches: mismatches(schema, value) }).toEqual({ pointer, mismatches: [] });
      if (!pointer.includes('problem+json')) continue;
      const { type, title, status } = value as { type: string; title: string; status: number };
      if (type === 'about:blank') expect(title).toBe(STATUS_CODES[status]);
    }
  });

  test('asks for a key where the queue is read, and for none where its health is', () => {
    expect(at('/paths/~1api~1health/get').node).toMatchObject({ security: [] });
    expect(at('/paths/~1api~1queue~1{customerId}/get').node).toMatchObject({ security: [{ apiKey: [] }] });
    expect(at('/components/securitySchemes/apiKey').node).toMatchObject({
      type: 'apiKey',
      in: 'header',
      name: 'x-api-key',
    });
  });
});

describe('an answer', () => {
  const HEADERS = {
    'content-type': PROBLEM,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    date: 'Tue, 24 Nov 2026 18:33:51 GMT',
    'x-amzn-requestid': 'any',
  };
  const aProblem = (status: number, different: object = {}) =>
    JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[status],
      status,
      detail: 'x',
      instance: 'urn:request:1-2',
      ...different,
    });
  const anAnswer = (different: Partial<ApiAnswer> = {}): ApiAnswer => ({
    method: 'GET',
    path: '/api/queue/{customerId}',
    status: 404,
    headers: HEADERS,
    body: aProblem(404),
    ...different,
  });
  const queueExample = at(
    '/paths/~1api~1queue~1{customerId}/get/responses/200/content/application~1json/examples/firstPage',
  ).node['value'] as { jobs: object[] };
  const LIMITED = {
    ...HEADERS,
    'content-type': 'application/json',
    'ratelimit-policy': '"per-caller";q=100;w=60',
    ratelimit: '"per-caller";r=99;t=60',
    'x-ratelimit-limit': '100',
    'x-ratelimit-remaining': '99',
    'x-ratelimit-reset': '1795545292',
  };
  const aPage = (different: object = {}, headers: Record<string, string> = LIMITED) =>
    anAnswer({ status: 200, headers, body: JSON.stringify({ ...queueExample, ...different }) });

  test.each<[string, ApiAnswer]>([
    ['a refusal', anAnswer()],
    ['a page', aPage()],
    ['a page that names its charset', aPage({}, { ...LIMITED, 'content-type': 'application/json; charset=utf-8' })],
    ['another path', anAnswer({ path: '/api/unknown' })],
    [
      'another method',
      anAnswer({ method: 'POST', status: 405, headers: { ...HEADERS, allow: 'GET' }, body: aProblem(405) }),
    ],
    [
      'HEAD, without a body',
      anAnswer({ method: 'HEAD', status: 405, headers: { ...HEADERS, allow: 'GET' }, body: '' }),
    ],
    [
      'a preflight',
      anAnswer({
        method: 'OPTIONS',
        status: 204,
        headers: {
          'access-control-allow-origin': 'https://example.com',
          'access-control-allow-methods': 'GET',
          'access-control-allow-headers': 'x-api-key',
          'access-control-max-age': '600',
        },
        body: '',
      }),
    ],
  ])('as promised is no violation: %s', (_name, answer) => {
    expect(violations(answer)).toEqual([]);
  });

  const { ratelimit: _limit, ...withoutLimit } = LIMITED;
  test.each<[string, ApiAnswer, RegExp]>([
    ['an unknown status', anAnswer({ status: 418 }), /knows no 418/],
    ['an unknown path that answers', anAnswer({ path: '/api/unknown', status: 200 }), /knows no 200/],
    ['an unknown method that answers', anAnswer({ method: 'POST', status: 200 }), /knows no 200/],
    ['an unknown header', anAnswer({ headers: { ...HEADERS, 'x-powered-by': 'us' } }), /no header x-powered-by/],
    ['a missing header', aPage({}, withoutLimit), /header RateLimit is missing/],
    ['a header of another shape', aPage({}, { ...LIMITED, ratelimit: 'r=1' }), /header RateLimit "r=1"/],
    ['a number that is none', aPage({}, { ...LIMITED, 'x-ratelimit-reset': 'soon' }), /X-RateLimit-Reset "soon"/],
    ['a cacheable answer', anAnswer({ headers: { ...HEADERS, 'cache-control': 'max-age=1' } }), /Cache-Control/],
    [
      'another content type',
      anAnswer({ headers: { ...HEADERS, 'content-type': 'text/html' } }),
      /content type "text\/html"/,
    ],
    ['a body that is no JSON', anAnswer({ body: '<html>' }), /no JSON/],
    [
      'a body where none is wanted',
      anAnswer({ method: 'HEAD', status: 405, headers: { ...HEADERS, allow: 'GET' } }),
      /no body/,
    ],
    ['a problem of another status', anAnswer({ body: aProblem(500) }), /names another status/],
    ['a problem with more to say', anAnswer({ body: aProblem(404, { stack: 'at x' }) }), /"stack"/],
    ['a page with a key more', aPage({ total: 4 }), /"total"/],
    ['a page with a key less', aPage({ next_cursor: undefined }), /"next_cursor"/],
    ['a job with a key more', aPage({ jobs: [{ ...queueExample.jobs[0], worker_id: 'w' }] }), /"worker_id"/],
    ['a job in another state', aPage({ jobs: [{ ...queueExample.jobs[0], status: 'complete' }] }), /jobs\/0\/status/],
    ['a time that is none', aPage({ jobs: [{ ...queueExample.jobs[0], created_at: 'now' }] }), /jobs\/0\/created_at/],
  ])('that is other than promised is told: %s', (_name, answer, message) => {
    expect(violations(answer).join()).toMatch(message);
  });
});
