import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { LocalSystem } from '../../local/system.ts';
import { type Answered, type Ask, type Asking, aKey, clientOf, PROXY_SETTINGS, startApiSystem } from './api-client.ts';

const ORIGIN = 'https://shop.example';
const KEY_PARAMETER = '/queuekeeper/local/supabase-service-key';
/** The answer is promised within 3 s; a busy machine gets one more. */
const IN_TIME_MS = 4_000;
/** Words that only a database, or whoever talks to one, has. */
const WORDS_OF_THE_DATABASE = /postgres|pgrst|rpc|socket|ECONN|fetch|timeout|Error:|sb_secret|public\./i;

let system: LocalSystem;
let database: pg.Client;
let ask: Ask;
let key: string;

beforeAll(async () => {
  const settings = { ...PROXY_SETTINGS, API_CORS_ORIGINS: `${ORIGIN},https://other.example` };
  system = await startApiSystem({ settings });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  ask = clientOf(system);
}, 120_000);
afterAll(async () => {
  await database?.end();
  await system?.stop();
});
beforeEach(() => {
  // A limit of its own for each test, on both routes.
  callers += 1;
  key = aKey(system).value;
});
afterEach(() => {
  system.supabase.fault(undefined);
  system.ssm.setDown(false);
  system.ssm.set(KEY_PARAMETER, system.serviceKey);
});

let callers = 0;
const health = (asking: Asking = {}) => ask('/api/health', { from: `198.51.100.${callers}`, ...asking });
const queue = (segment: string, asking: Asking = {}) => ask(`/api/queue/${segment}`, { key, ...asking });
/** Ends all processes, so that the next request begins with nothing in memory. */
const restart = () => Promise.all(['health', 'queue-status'].map((name) => system.functions[name]?.kill()));

async function aJob(customerId: string, columns: Record<string, unknown> = {}): Promise<void> {
  const all = { customer_id: customerId, package_size: 50, status: 'pending', ...columns };
  const names = Object.keys(all);
  await database.query(
    `insert into public.jobs (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(all),
  );
}

describe('a customer is asked for', () => {
  test.each([
    ['plain', 'acme-1', 'acme-1'],
    ['with a path in its name', '../../x', '..%2F..%2Fx'],
    ['that is a slash', '/', '%2F'],
    ['with a quote and SQL', "' or 1=1", "'%20or%201=1"],
    ['that is an emoji', '🚨', encodeURIComponent('🚨')],
    ['of 128 emoji', '🚨'.repeat(128), encodeURIComponent('🚨').repeat(128)],
    ['of 128 characters', 'x'.repeat(128), 'x'.repeat(128)],
    ['with a percent sign', '100%25', '100%2525'],
    ['with a plus sign', 'a+b', 'a+b'],
    ['that looks like a header', 'X-Evil: 1', 'X-Evil:%201'],
    ['that looks like markup', '<script>alert(1)</script>', '%3Cscript%3Ealert(1)%3C%2Fscript%3E'],
  ])('%s: it gets its jobs, and no other', async (_what, customerId, segment) => {
    expect(await queue(segment)).toMatchObject({ status: 404, json: { detail: 'No job of this customer is known.' } });
    await aJob(customerId);
    const answer = await queue(segment);
    expect(answer).toMatchObject({ status: 200, json: { customer_id: customerId, counts: { pending: 1 } } });
    expect(answer.json['jobs']).toHaveLength(1);
  });

  test.each([
    ['a null character', '%00', 'The customer id has a control character.'],
    ['one in the middle', 'ac%00me', 'The customer id has a control character.'],
    ['a line end and a header', 'a%0d%0aX-Evil:%201', 'The customer id has a control character.'],
    ['a control character beyond ASCII', '%C2%85', 'The customer id has a control character.'],
    ['129 characters', 'x'.repeat(129), 'The customer id has 129 characters, wanted 1 to 128.'],
    ['129 emoji', encodeURIComponent('🚨').repeat(129), 'The customer id has 129 characters, wanted 1 to 128.'],
    ['9 kB', 'x'.repeat(9_000), 'The customer id has 9000 characters, wanted 1 to 128.'],
    ['half a character', '%E2%28%A1', 'The customer id is not percent-encoded UTF-8.'],
    ['a lonely percent sign', '%', 'The customer id is not percent-encoded UTF-8.'],
  ])('with %s: 400, and the reason', async (_what, segment, detail) => {
    const { status, json, headers } = await queue(segment);
    expect({ status, detail: json['detail'] }).toEqual({ status: 400, detail });
    expect(headers).not.toHaveProperty('x-evil');
  });

  test('with 10 kB: the gateway refuses it before any function', async () => {
    expect(await queue('x'.repeat(10_240))).toMatchObject({ status: 413, json: { title: 'Payload Too Large' } });
  });

  test('with real dots in the path: there is nothing', async () => {
    expect(await ask('/api/queue/../../x', { key })).toMatchObject({ status: 404 });
  });
});

describe('a query', () => {
  test('pages through all jobs, newest first, each once', async () => {
    for (let index = 0; index < 5; index += 1) {
      await aJob('pages', { created_at: new Date(Date.UTC(2026, 0, 1, 0, 0, index)), package_size: 50 + index });
    }
    const seen: unknown[] = [];
    let next: unknown;
    do {
      const { json } = await queue(`pages?limit=2${next ? `&cursor=${next}` : ''}`);
      seen.push(...(json['jobs'] as { package_size: number }[]).map(({ package_size }) => package_size));
      next = json['next_cursor'];
    } while (next);
    expect(seen).toEqual([54, 53, 52, 51, 50]);
  });

  const NOT_OURS = 'The cursor is none of ours, wanted the next_cursor of an answer, unchanged.';
  test.each([
    ['limit=0', 'The limit is "0", wanted a whole number from 1 to 100.'],
    ['limit=101', 'The limit is "101", wanted a whole number from 1 to 100.'],
    ['limit=1e1', 'The limit is "1e1", wanted a whole number from 1 to 100.'],
    ['limit=', 'The limit is "", wanted a whole number from 1 to 100.'],
    ['limit=%0d%0aX-Evil:1', 'The limit is "\r\nX-Evil:1", wanted a whole number from 1 to 100.'],
    ['cursor=', NOT_OURS],
    ['cursor=%0d%0aX-Evil:1', NOT_OURS],
    [`cursor=${'A'.repeat(129)}`, NOT_OURS],
    ["cursor=' or 1=1", NOT_OURS],
  ])('with %s is a 400 with the reason', async (query, detail) => {
    await aJob('pages');
    const { status, json, headers } = await queue(`pages?${query.replaceAll(' ', '%20')}`);
    expect({ status, detail: json['detail'] }).toEqual({ status: 400, detail });
    expect(headers).not.toHaveProperty('x-evil');
  });
});

describe('a refusal is a problem document that a page of an allowed site may read', () => {
  const headers = { Origin: ORIGIN };
  const refusals: [string, number, () => Promise<Answered>][] = [
    ['no key', 403, () => ask('/api/queue/acme', { headers })],
    ['a wrong key', 403, () => ask('/api/queue/acme', { headers, key: 'x'.repeat(40) })],
    ['an unknown path', 404, () => ask('/api/nothing', { headers })],
    ['an unknown path with credentials', 404, () => ask('/', { headers: { ...headers, Authorization: 'Bearer x' } })],
    ['an unknown customer', 404, () => queue('nobody', { headers })],
    ['a bad limit', 400, () => queue('nobody?limit=x', { headers })],
    ['a wrong method', 405, () => ask('/api/health', { method: 'POST', headers })],
    ['too much', 413, () => queue('x'.repeat(10_240), { headers })],
    ['the limit', 429, async () => last(await overTheLimit())],
    ['an outage', 503, () => withFault(() => queue('acme', { headers }))],
  ];

  async function overTheLimit(): Promise<Answered[]> {
    const answers = [];
    for (let index = 0; index < 101; index += 1) answers.push(await queue('nobody', { headers }));
    return answers;
  }
  const last = (answers: Answered[]) => answers.at(-1) as Answered;
  async function withFault(work: () => Promise<Answered>): Promise<Answered> {
    system.supabase.fault(() => 'down');
    return work();
  }

  test.each(refusals)('for %s: %i', async (_what, status, refuse) => {
    const answer = await refuse();
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    expect(answer.json).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    expect(answer.json['instance']).toBe(`urn:request:${answer.headers['x-amz-apigw-id']}`);
    // The gateway cannot choose between two sites, and says "*" for what it refuses itself.
    expect(['*', ORIGIN]).toContain(answer.headers['access-control-allow-origin']);
    expect(answer.headers['access-control-expose-headers']).toContain('Retry-After');
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'TRACE'])('%s is refused on both paths', async (method) => {
    for (const path of ['/api/health', '/api/queue/acme']) {
      const { status, headers: sent } = await ask(path, { method });
      expect({ status, allow: sent['allow'] }).toEqual({ status: 405, allow: 'GET, OPTIONS' });
    }
  });

  test('also a method with a body of whatever type', async () => {
    for (const type of ['application/json', 'text/xml', 'multipart/form-data; boundary=x']) {
      const answer = await ask('/api/health', { method: 'POST', body: '<a/>', headers: { 'Content-Type': type } });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, OPTIONS' } });
    }
  });

  test('and a preflight is answered', async () => {
    const asking = { method: 'OPTIONS', headers: { Origin: ORIGIN, 'Access-Control-Request-Method': 'GET' } };
    for (const path of ['/api/health', '/api/queue/acme']) {
      expect(await ask(path, asking)).toMatchObject({
        status: 204,
        headers: { 'access-control-allow-methods': 'GET' },
      });
    }
  });
});

describe('a page of', () => {
  test.each(['https://shop.example', 'https://other.example'])('%s may read the answer', async (origin) => {
    const { headers } = await health({ headers: { Origin: origin } });
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
  });

  test.each(['https://evil.example', 'https://shop.example.evil.example', 'null', '*', 'https://SHOP.example'])(
    '%s may not',
    async (origin) => {
      const { status, headers } = await health({ headers: { Origin: origin } });
      expect(status).toBe(200);
      expect(headers).toMatchObject({ vary: 'Origin' });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  test('no site gets in by a line end in its name', async () => {
    const { hostname, port } = new URL(system.apiUrl);
    const socket = connect(Number(port), hostname);
    const origin = `${ORIGIN}\rX-Evil: 1`;
    socket.end(`GET /api/health HTTP/1.1\r\nHost: ${hostname}\r\nOrigin: ${origin}\r\nConnection: close\r\n\r\n`);
    const text = Buffer.concat(await socket.toArray()).toString();
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).not.toContain('X-Evil');
  });
});

describe('health', () => {
  beforeEach(async () => {
    await database.query('truncate public.jobs, public.job_dispatches, public.monitor_runs, public.worker_heartbeats');
    for (const monitor of ['stale-job-monitor', 'dlq-monitor']) {
      expect(await system.invoke(monitor)).toMatchObject({ ok: true });
    }
  });
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const lateRuns = (monitor: string, minutes: number) =>
    database.query(
      `update public.monitor_runs
       set started_at = started_at - $2::interval, finished_at = finished_at - $2::interval where monitor = $1`,
      [monitor, `${minutes} minutes`],
    );

  test('is well where the monitors run and nothing waits', async () => {
    expect(await health()).toMatchObject({ status: 200, json: { status: 'healthy', reasons: [] } });
  });

  const degraded: [string, () => Promise<unknown>, string, object][] = [
    [
      'a job is stale',
      () => aJob('acme', { status: 'in_progress', started_at: ago(60), updated_at: ago(60), created_at: ago(60) }),
      '1 job is stale',
      { workers: { stale_count: 1 } },
    ],
    [
      'a dead letter is there',
      () =>
        database.query(
          `update public.monitor_runs set summary = summary || '{"depth": 2}' where monitor = 'dlq-monitor'`,
        ),
      '2 dead letters were in the dead-letter queue when the dlq-monitor last looked, ',
      { dlq: { status: 'dead_letters', count: 2 } },
    ],
    [
      'work waits and no worker is alive',
      () => aJob('acme', { created_at: ago(20), updated_at: ago(20) }),
      'Work has waited for 20 min and no worker is alive',
      { workers: { status: 'down' }, queue: { status: 'waiting' } },
    ],
    [
      'a monitor is late',
      () => lateRuns('stale-job-monitor', 6),
      'stale-job-monitor last ran well 6 min ago',
      { monitors: { 'stale-job-monitor': { status: 'late' }, 'dlq-monitor': { status: 'up' } } },
    ],
    [
      'a monitor runs no more',
      () => lateRuns('dlq-monitor', 60),
      'dlq-monitor last ran well 1 h ago',
      { monitors: { 'dlq-monitor': { status: 'down' } }, dlq: { status: 'unknown' } },
    ],
  ];

  test.each(degraded)('is degraded when %s, and says so', async (_what, arrange, reason, services) => {
    await arrange();
    const { status, json } = await health();
    expect({ status, health: json['status'] }).toEqual({ status: 200, health: 'degraded' });
    expect(json['reasons']).toEqual([expect.stringContaining(reason)]);
    expect(json['services']).toMatchObject(services);
  });

  test('shows no ids, and nothing of the errors of jobs', async () => {
    await aJob('acme-secret', { status: 'failed', error_message: 'password wrong', updated_at: new Date() });
    const { text } = await health();
    expect(text).not.toMatch(/acme|password|[0-9a-f]{8}-[0-9a-f]{4}-/);
  });
});

describe('when the database', () => {
  beforeAll(async () => {
    await health();
    await queue('acme');
  });

  /** Both paths, while it is so. */
  async function outage(reason: string): Promise<void> {
    const [sick, refused] = await Promise.all([health(), queue('acme')]);
    expect(sick).toMatchObject({
      status: 503,
      json: { status: 'unhealthy', reasons: [reason], services: { database: { status: 'down' } } },
    });
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    for (const { text, headers, ms } of [sick, refused]) {
      expect(ms).toBeLessThan(IN_TIME_MS);
      expect(text.replace('The database', '')).not.toMatch(WORDS_OF_THE_DATABASE);
      expect(headers).not.toHaveProperty('ratelimit');
      expect(headers).toMatchObject({ 'ratelimit-policy': '"per-caller";q=100;w=60' });
    }
  }
  const CANNOT_BE_READ = 'The database cannot be read; the log of the health function says why.';
  const TOO_LATE = 'No answer of the database came within 2 s; the log of the health function says why.';

  test.each([
    ['is down', 'down', CANNOT_BE_READ],
    ['hangs', 'hang', TOO_LATE],
    ['hangs inside its answer', 'hang-in-body', TOO_LATE],
  ] as const)('%s, both paths say so in time, and then work again', async (_what, fault, reason) => {
    system.supabase.fault(() => fault);
    await outage(reason);
    system.supabase.fault(undefined);
    expect(await health()).toMatchObject({ status: 200 });
    expect(await queue('nobody')).toMatchObject({ status: 404 });
  });

  test('is slow, both paths say so in time, and then work again', async () => {
    await database.query('begin; lock table public.jobs, public.rate_limit_requests in access exclusive mode');
    try {
      await outage(TOO_LATE);
    } finally {
      await database.query('rollback');
    }
    expect(await health()).toMatchObject({ status: 200 });
  });

  test('answers all but the limiter, health answers, for so many requests of a process, and the queue does not', async () => {
    await restart();
    system.supabase.fault((_method, path) => (path === '/rpc/check_rate_limit' ? 'down' : undefined));
    const answers: Answered[] = [];
    for (let index = 0; index < 101; index += 1) answers.push(await health());
    expect(answers.map(({ status }) => status)).toEqual([...Array(100).fill(200), 429]);
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit');
    expect(await queue('acme-1')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  });

  test('refuses the key, both say so, and the next request has the key that was stored meanwhile', async () => {
    await restart();
    system.ssm.set(KEY_PARAMETER, 'sb_secret_of_another_project');
    await outage(CANNOT_BE_READ);
    system.ssm.set(KEY_PARAMETER, system.serviceKey);
    expect(await health()).toMatchObject({ status: 200 });
    expect(await queue('nobody')).toMatchObject({ status: 404 });
  });

  test.each([
    ['are away', true],
    ['do not come', 'hang'],
  ] as const)('cannot be asked as the secrets %s from the start, both say so in time', async (_what, down) => {
    await restart();
    system.ssm.setDown(down);
    await outage(CANNOT_BE_READ);
  });

  test('is well, secrets that are away later trouble nobody', async () => {
    await restart();
    await Promise.all([health(), queue('nobody')]);
    system.ssm.setDown(true);
    expect(await health()).toMatchObject({ status: 200 });
    expect(await queue('nobody')).toMatchObject({ status: 404 });
  });
});
