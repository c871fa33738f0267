import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { askHealth } from '../../cli/health-answer.ts';
import type { CheckRun } from '../../cli/verify/check.ts';
import { Fault, NotChecked } from '../../cli/verify/check.ts';
import { rateLimit } from '../../cli/verify/rate-limit.ts';
import { listen } from '../../local/loopback.ts';

const LIMIT = 5;
const WINDOW_SECONDS = 1;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Api {
  /** Requests that it admits in a window. */
  readonly admits?: number;
  /** Requests of somebody else at the same address, before ours. */
  readonly others?: number;
  readonly headers?: boolean;
  readonly delayMs?: number;
  /** The number of the request that a crash answers. */
  readonly crashesAt?: number;
}

/** An API that counts requests in a window of a second, and says that its limit is 5. */
async function anApi({
  admits = LIMIT,
  others = 0,
  headers = true,
  delayMs = 0,
  crashesAt,
}: Api = {}): Promise<string> {
  const admitted: number[] = Array.from({ length: others }, () => Date.now());
  let count = 0;
  server = createServer((_request, response) => {
    count++;
    if (count === crashesAt) return response.writeHead(502).end('{"message": "Internal server error"}');
    const inWindow = admitted.filter((at) => Date.now() - at < WINDOW_SECONDS * 1_000).length;
    const isAdmitted = inWindow < admits;
    if (isAdmitted) admitted.push(Date.now());
    if (headers) {
      response.setHeader('RateLimit-Policy', `"per-caller";q=${LIMIT};w=${WINDOW_SECONDS}`);
      response.setHeader('RateLimit', `"per-caller";r=${Math.max(0, LIMIT - inWindow - 1)};t=1`);
    }
    const body = isAdmitted ? { status: 'healthy' } : { status: 429 };
    return setTimeout(() => response.writeHead(isAdmitted ? 200 : 429).end(JSON.stringify(body)), delayMs);
  });
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

async function check(url: string, mode = 'enforce') {
  const first = await askHealth(url);
  const context = { settings: { RATE_LIMIT_MODE: mode }, apiUrl: async () => url };
  const run = { context, firstHealth: async () => first, tell: () => {}, signal: new AbortController().signal };
  return rateLimit.run(run as unknown as CheckRun);
}

describe('the check of the rate limit', () => {
  test('passes when exactly the limit is answered, the first look at the health among it', async () => {
    expect(await check(await anApi())).toBe('of 10 requests, 5 were answered and 5 got 429');
  });

  test('waits for a clean slate where something was before it', async () => {
    expect(await check(await anApi({ others: 2 }))).toBe('of 10 requests, 5 were answered and 5 got 429');
  });

  test.each([
    ['one too many', 6, 'of 10 requests, 6 were answered and 4 got 429, wanted exactly 5 in 1 s'],
    ['everything', 99, 'of 10 requests, 10 were answered and 0 got 429, wanted exactly 5 in 1 s'],
    ['one too few, twice', 4, 'of 10 requests, 4 were answered and 6 got 429, wanted exactly 5 in 1 s'],
  ])('fails when the API answers %s', async (_what, admits, text) => {
    const checking = check(await anApi({ admits }));
    await expect(checking).rejects.toBeInstanceOf(Fault);
    await expect(checking).rejects.toThrow(text);
  });

  test('does not take a crash for an answer, nor blame the limit or a proxy for it', async () => {
    const checking = check(await anApi({ crashesAt: 4 }));
    await expect(checking).rejects.toBeInstanceOf(Fault);
    await expect(checking).rejects.toThrow('HTTP 502 in the middle of 10 requests');
  });

  test('fails when the limiter did not answer', async () => {
    const checking = check(await anApi({ headers: false }));
    await expect(checking).rejects.toThrow('without RateLimit headers');
  });

  test('cannot tell when the window is over before all requests are', async () => {
    const checking = check(await anApi({ delayMs: 1_100 }));
    await expect(checking).rejects.toBeInstanceOf(NotChecked);
    await expect(checking).rejects.toThrow('take longer than the window of 1 s');
  });

  test('cannot tell in shadow mode, and when nothing answers', async () => {
    await expect(check(await anApi(), 'shadow')).rejects.toBeInstanceOf(NotChecked);
    const context = { settings: { RATE_LIMIT_MODE: 'enforce' } };
    const firstHealth = () => Promise.reject(new Error('refused'));
    await expect(rateLimit.run({ context, firstHealth } as unknown as CheckRun)).rejects.toBeInstanceOf(NotChecked);
  });
});
