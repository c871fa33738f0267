import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { createApiHandler } from '../../lambdas/shared/api/handler.ts';
import { close, LOOPBACK, listen } from '../../local/loopback.ts';
import { type Ssm, startSsm } from '../../local/ssm.ts';

const KEY = '/queuekeeper/test/supabase-service-key';
const PROXY_SECRET = '/queuekeeper/test/proxy-secret';
const ADMITTED = { allowed: true, limit: 100, remaining: 57, retry_after_ms: 0, reset_ms: 42_000 };
const REFUSED = { ...ADMITTED, allowed: false, remaining: 0, retry_after_ms: 42_000 };

type Reply = (name: string, response: ServerResponse, key: string, body: string) => void;

let ssm: Ssm;
let server: Server;
let supabaseUrl: string;
let reply: Reply;
let keysSeen: string[];

const json = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

beforeAll(async () => {
  ssm = await startSsm();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
  server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const key = String(request.headers['apikey']);
    keysSeen.push(key);
    reply(request.url?.split('/').at(-1) ?? '', response, key, body);
  });
  supabaseUrl = `http://${LOOPBACK}:${await listen(server, 0)}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await Promise.all([ssm.stop(), close(server)]);
});

beforeEach(() => {
  jest.restoreAllMocks();
  ssm.setDown(false);
  ssm.set(KEY, 'sb_secret_first');
  keysSeen = [];
});

function anApi({ behindProxy = false } = {}) {
  const handler = createApiHandler({
    env: {
      STAGE: 'test',
      SUPABASE_URL: supabaseUrl,
      SUPABASE_SERVICE_KEY_PARAMETER: KEY,
      RATE_LIMIT_REQUESTS: 100,
      RATE_LIMIT_WINDOW_MS: 60_000,
      RATE_LIMIT_MODE: 'enforce',
      CORS_ORIGINS: undefined,
      PROXY_ADDRESS_HEADER: behindProxy ? 'x-client' : undefined,
      PROXY_SECRET_HEADER: behindProxy ? 'x-proxy' : undefined,
      PROXY_SECRET_PARAMETER: behindProxy ? PROXY_SECRET : undefined,
    },
    service: 'test',
    routeName: 'GET /x',
    whenLimiterFails: 'refuse',
    answer: async ({ database }) => ({ status: 200, body: await database.call<object>('data') }),
  });
  const requestContext = {
    requestId: 'chosen-by-the-client',
    extendedRequestId: 'JKJaXmPLvHcESHA=',
    identity: { sourceIp: '192.0.2.7' },
  };
  return async (headers: Record<string, string> = {}) => {
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const event = { headers, multiValueHeaders, requestContext } as unknown as APIGatewayProxyEvent;
    const { statusCode, body } = await handler(event, { awsRequestId: 'id' } as Context);
    return { statusCode, body: JSON.parse(body) };
  };
}

/** Lets time pass for who reads the clock; timers are left alone. */
function later(ms: number): void {
  const now = Date.now() + ms;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
}

describe('a key that the database refuses', () => {
  test('is read again at once, for it may have been rotated', async () => {
    reply = (name, response, key) =>
      key === 'sb_secret_second'
        ? json(response, 200, name === 'data' ? { ok: true } : ADMITTED)
        : json(response, 401, { message: 'Invalid API key' });
    const get = anApi();
    expect((await get()).statusCode).toBe(503);
    ssm.set(KEY, 'sb_secret_second');
    expect((await get()).statusCode).toBe(200);
  });

  test('is read again every ten seconds at most, so that a flood leaves SSM to others', async () => {
    reply = (_name, response) => json(response, 401, { message: 'Invalid API key' });
    const get = anApi();
    for (const key of ['a', 'b', 'c', 'd']) {
      ssm.set(KEY, `sb_secret_${key}`);
      expect((await get()).statusCode).toBe(503);
    }
    expect(new Set(keysSeen)).toEqual(new Set(['sb_secret_a', 'sb_secret_b']));
    later(11_000);
    ssm.set(KEY, 'sb_secret_e');
    await get();
    expect(keysSeen.at(-1)).toBe('sb_secret_e');
  });
});

describe("a proxy's secret", () => {
  test('that was rotated is known at once, or all clients of the proxy would be one caller', async () => {
    const callers = new Set<string>();
    reply = (name, response, _key, body) => {
      if (name === 'check_rate_limit') callers.add(JSON.parse(body).caller);
      json(response, 200, name === 'data' ? { ok: true } : ADMITTED);
    };
    ssm.set(PROXY_SECRET, 'the first secret of the proxy');
    const get = anApi({ behindProxy: true });
    await get({ 'x-proxy': 'the first secret of the proxy', 'x-client': '203.0.113.1' });
    ssm.set(PROXY_SECRET, 'the second secret of the proxy');
    await get({ 'x-proxy': 'the second secret of the proxy', 'x-client': '203.0.113.2' });
    await get({ 'x-proxy': 'the second secret of the proxy', 'x-client': '203.0.113.3' });
    expect(callers.size).toBe(3);
  });
});

describe('a problem', () => {
  test('is named by the id of the gateway, not by one that the client can choose', async () => {
    reply = (_name, response) => json(response, 200, REFUSED);
    const { statusCode, body } = await anApi()();
    expect(statusCode).toBe(429);
    expect(body.instance).toBe('urn:request:JKJaXmPLvHcESHA=');
  });
});

describe('data that does not come', () => {
  test('hurts nobody after a refusal has been sent, and the next request is answered', async () => {
    reply = (name, response) => {
      if (name !== 'data') return json(response, 200, REFUSED);
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"ok"');
      return undefined;
    };
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const get = anApi();
      expect((await get()).statusCode).toBe(429);
      await sleep(2_200); // its time is over
      expect((await get()).statusCode).toBe(429);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('is given up after two seconds, also in the middle of its body', async () => {
    reply = (name, response) => {
      if (name !== 'data') return json(response, 200, ADMITTED);
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"ok"');
      return undefined;
    };
    const startedAt = performance.now();
    expect((await anApi()()).statusCode).toBe(503);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});
