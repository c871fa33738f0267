import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { hashCaller } from '../../lambdas/shared/api/caller.ts';
import type { LocalSystem } from '../../local/system.ts';
import { type Ask, aKey, askMany, clientOf, PROXY, PROXY_SETTINGS, startApiSystem, statusesOf } from './api-client.ts';

const HEALTH = 'GET /api/health';
const QUEUE = 'GET /api/queue/{customerId}';
/** The most processes that the local system starts of a function; further requests wait for one. */
const PROCESSES = 10;

let system: LocalSystem;
let database: pg.Client;
let ask: Ask;

beforeAll(async () => {
  system = await startApiSystem({ settings: PROXY_SETTINGS });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  ask = clientOf(system);
  await warm();
}, 120_000);
afterAll(async () => {
  await database?.end();
  await system?.stop();
});
afterEach(() => system.supabase.fault(undefined));

/** Starts the processes: a cold start on a busy machine would be a database that does not answer in time. */
async function warm(): Promise<void> {
  await askMany(PROCESSES, PROCESSES, () => ask('/api/health', { from: '192.0.2.1' }));
}

/** Lets a caller ask so many times, past the API. */
async function use(caller: string, route: string, requests: number): Promise<void> {
  const hash = hashCaller(caller, system.serviceKey);
  await database.query('select public.check_rate_limit($1, $2) from generate_series(1, $3)', [hash, route, requests]);
}

/** What reached the database of what is done meanwhile, by the function of it. */
async function callsDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const calls: Record<string, number> = {};
  system.supabase.fault((_method, path) => {
    calls[path] = (calls[path] ?? 0) + 1;
    return undefined;
  });
  await work();
  return calls;
}

describe('of 105 requests', () => {
  test('100 are answered and 5 are refused, one after the other, and each is told what is left', async () => {
    const answers = await askMany(105, 1, () => ask('/api/health'));
    expect(answers.map(({ status }) => status)).toEqual([...Array(100).fill(200), ...Array(5).fill(429)]);
    const left = answers.map(({ headers }) => Number(headers['x-ratelimit-remaining']));
    expect(left).toEqual([...Array.from({ length: 100 }, (_, index) => 99 - index), ...Array(5).fill(0)]);
    const { headers, json } = answers.at(-1) as (typeof answers)[number];
    const seconds = Number(headers['retry-after']);
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(headers['ratelimit']).toBe(`"per-caller";r=0;t=${seconds}`);
    expect(headers['ratelimit-policy']).toBe('"per-caller";q=100;w=60');
    expect(json).toMatchObject({
      status: 429,
      detail: `100 requests per 60 seconds. Retry in ${seconds} s.`,
      'violated-policies': ['per-caller'],
    });
  });

  test('100 are answered when the minute turns in the middle of them', async () => {
    const from = '198.51.100.1';
    const before = await askMany(60, 4, () => ask('/api/health', { from }));
    await untilTheMinuteHasTurned(`ip:${from}`);
    const after = await askMany(45, 4, () => ask('/api/health', { from }));
    expect(statusesOf(before)).toEqual({ 200: 60 });
    expect(statusesOf(after)).toEqual({ 200: 40, 429: 5 });
  });

  /**
   * Waits for the end of a minute of the wall clock that is near; else the caller's requests become ones of the end of the
   * minute before this one.
   */
  async function untilTheMinuteHasTurned(caller: string): Promise<void> {
    const intoMinuteMs = Date.now() % 60_000;
    if (intoMinuteMs > 50_000) return sleep(60_100 - intoMinuteMs);
    const moved = await database.query(
      `update public.rate_limit_requests
       set requested_at = date_trunc('minute', clock_timestamp()) - interval '1 s' + ordinal * interval '1 ms'
       where caller = $1`,
      [hashCaller(caller, system.serviceKey)],
    );
    expect(moved.rowCount).toBe(60);
  }

  test('as many as were asked a minute ago are free again', async () => {
    const from = '198.51.100.2';
    await use(`ip:${from}`, HEALTH, 100);
    const hash = hashCaller(`ip:${from}`, system.serviceKey);
    await database.query(
      `update public.rate_limit_requests set requested_at = requested_at - interval '60 s'
       where caller = $1 and ordinal <= 5`,
      [hash],
    );
    expect(statusesOf(await askMany(10, 1, () => ask('/api/health', { from })))).toEqual({ 200: 5, 429: 5 });
  });
});

test('of 200 requests at once, in several processes, exactly 100 are answered', async () => {
  const answers = await askMany(200, 200, () => ask('/api/health', { from: '198.51.100.3' }));
  expect(statusesOf(answers)).toEqual({ 200: 100, 429: 100 });
  expect(system.functions['health']?.pids().length).toBeGreaterThan(1);
});

describe('a limit belongs to', () => {
  test('a key: another one has its own, of whatever plan, and reads the same customer', async () => {
    await database.query("insert into public.jobs (customer_id, package_size, status) values ('acme', 50, 'pending')");
    const [one, other, third] = [aKey(system), aKey(system), aKey(system, 'enterprise')];
    await use(`key:${one.id}`, QUEUE, 99);
    const last = await ask('/api/queue/acme', { key: one.value });
    expect(last).toMatchObject({ status: 200, headers: { 'x-ratelimit-remaining': '0' } });
    expect(await ask('/api/queue/acme', { key: one.value })).toMatchObject({ status: 429 });
    for (const { value } of [other, third]) {
      const answer = await ask('/api/queue/acme', { key: value });
      expect(answer).toMatchObject({ status: 200, headers: { 'x-ratelimit-remaining': '99' } });
      expect(answer.json['jobs']).toEqual(last.json['jobs']);
    }
  });

  test('a route, whatever customer it is asked for', async () => {
    const { id, value: key } = aKey(system);
    await use(`key:${id}`, QUEUE, 99);
    expect(await ask('/api/queue/a', { key })).toMatchObject({ status: 404 });
    expect(await ask('/api/queue/b', { key })).toMatchObject({ status: 429 });
    expect(await ask('/api/health', { key, from: '198.51.100.8' })).toMatchObject({ status: 200 });
  });

  test('all of an IPv6 network of 64 bits, and to an IPv4 address however it is written', async () => {
    await use('ip:2001:db8:1:2::/64', HEALTH, 100);
    await use('ip:198.51.100.4', HEALTH, 100);
    const statuses = [];
    for (const from of ['2001:db8:1:2:3::4', '2001:DB8:1:2:ffff::', '::ffff:198.51.100.4', '2001:db8:1:3::4']) {
      statuses.push((await ask('/api/health', { from })).status);
    }
    expect(statuses).toEqual([429, 429, 429, 200]);
  });
});

describe('a caller that is over its limit', () => {
  const { addressHeader, secretHeader, secret } = PROXY;
  const OTHER = '203.0.113.9';

  test.each<[string, Record<string, string | string[]>]>([
    ['X-Forwarded-For', { 'X-Forwarded-For': OTHER }],
    ['several X-Forwarded-For', { 'X-Forwarded-For': [OTHER, '203.0.113.10'] }],
    ['X-Forwarded-For with a list', { 'X-Forwarded-For': `${OTHER}, 203.0.113.10, 10.0.0.1` }],
    ['the headers of other proxies', { 'X-Real-IP': OTHER, Forwarded: `for=${OTHER}`, 'CF-Connecting-IP': OTHER }],
    ['the header of the proxy without its secret', { [addressHeader]: OTHER }],
    ['a wrong secret of the proxy', { [addressHeader]: OTHER, [secretHeader]: `${secret}x` }],
    ['an empty secret of the proxy', { [addressHeader]: OTHER, [secretHeader]: '' }],
    ['the secret twice', { [addressHeader]: OTHER, [secretHeader]: [secret, secret] }],
    ['the right secret and two addresses', { [addressHeader]: [OTHER, '203.0.113.10'], [secretHeader]: secret }],
    ['the right secret and no address', { [addressHeader]: 'localhost', [secretHeader]: secret }],
    ['a key where none is wanted', { 'x-api-key': 'made-up' }],
  ])('is the same caller with %s', async (_what, headers) => {
    await use('ip:127.0.0.1', HEALTH, 100);
    expect(await ask('/api/health', { headers })).toMatchObject({ status: 429 });
  });

  test('is another one where the proxy says so with the right secret', async () => {
    await use('ip:127.0.0.1', HEALTH, 100);
    expect(await ask('/api/health', { from: OTHER })).toMatchObject({ status: 200 });
  });

  test('costs the database one question in a process, and then none', async () => {
    await system.functions['health']?.kill();
    const from = '198.51.100.5';
    await use(`ip:${from}`, HEALTH, 100);
    const blocked = () => askMany(10, 1, () => ask('/api/health', { from }));
    const calls = await callsDuring(async () => expect(statusesOf(await blocked())).toEqual({ 429: 10 }));
    expect(calls).toEqual({ '/rpc/check_rate_limit': 1, '/rpc/system_health': 1 });
    expect(await callsDuring(blocked)).toEqual({});
  });
});

test('each of 50 requests at once asks the database for the limit once, and for the health once', async () => {
  await warm();
  const calls = await callsDuring(async () => {
    const answers = await askMany(50, 50, () => ask('/api/health', { from: '198.51.100.6' }));
    expect(statusesOf(answers)).toEqual({ 200: 50 });
  });
  expect(calls).toEqual({ '/rpc/check_rate_limit': 50, '/rpc/system_health': 50 });
});

test('what is stored of a caller is neither its key nor its address', async () => {
  const { id, value: key } = aKey(system);
  await ask('/api/queue/acme', { key });
  await ask('/api/health', { from: '198.51.100.7' });
  const { rows } = await database.query('select distinct caller from public.rate_limit_requests');
  expect(rows.length).toBeGreaterThan(1);
  for (const { caller } of rows) expect(caller).toMatch(/^[\w-]{22}$/);
  expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${id}|${key}|198\\.51`));
});
