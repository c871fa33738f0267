import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { connectDatabase, DatabaseError } from '../../lambdas/shared/database.ts';
import { close, LOOPBACK, listen } from '../../local/loopback.ts';

const KEY = 'sb_secret_AbCdEfGhIjKlMnOpQrStUv_WxYz0123';
const SHORT_MS = 100;

let server: Server | undefined;

afterEach(async () => {
  if (server) await close(server);
  server = undefined;
});

/** A REST interface that answers as it is told to, and remembers each request. */
async function restThat(answer: (response: ServerResponse, call: number) => void) {
  const requests: { method?: string; url?: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    answer(response, requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() }));
  };
  server = createServer(listener);
  const url = `http://${LOOPBACK}:${await listen(server, 0)}`;
  return { url, requests, database: connectDatabase({ url, key: KEY, timeoutMs: SHORT_MS }) };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function errorOf(work: Promise<unknown>): Promise<DatabaseError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  return error;
}

describe('a call to the database', () => {
  test('posts the arguments by name to the function, with the key, and answers what it answers', async () => {
    const { database, requests } = await restThat((response) => json(response, 200, [{ id: 1 }]));
    expect(await database.call('find_stale_jobs', { threshold_minutes: 10 })).toEqual([{ id: 1 }]);
    expect(requests).toMatchObject([
      {
        method: 'POST',
        url: '/rest/v1/rpc/find_stale_jobs',
        headers: { apikey: KEY, authorization: `Bearer ${KEY}` },
        body: '{"threshold_minutes":10}',
      },
    ]);
  });

  test('reaches the same address when the URL ends in a slash', async () => {
    const { url, requests } = await restThat((response) => json(response, 200, 3));
    expect(await connectDatabase({ url: `${url}/`, key: KEY }).call('cleanup')).toBe(3);
    expect(requests[0]?.url).toBe('/rest/v1/rpc/cleanup');
  });

  test('ends at its deadline when the database never answers', async () => {
    const { database, requests } = await restThat(() => {});
    const { message } = await errorOf(database.call('find_stale_jobs'));
    expect(message).toMatch(/^find_stale_jobs: no answer: TimeoutError/);
    expect(requests).toHaveLength(1);
  });

  test('ends at its deadline when the answer stops in the middle of the body', async () => {
    const { database, requests } = await restThat((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('[{"half":');
    });
    const { message } = await errorOf(database.call('find_stale_jobs'));
    expect(message).toMatch(/^find_stale_jobs: no answer: TimeoutError/);
    expect(requests).toHaveLength(1);
  });

  test('says that nothing answers when the connection is refused', async () => {
    const { url } = await restThat(() => {});
    await close(server as Server);
    server = undefined;
    const { message } = await errorOf(connectDatabase({ url, key: KEY }).call('find_stale_jobs'));
    expect(message).toMatch(/^find_stale_jobs: no answer: TypeError: fetch failed/);
  });

  test('is made once more when a connection was closed under it, and is then fine', async () => {
    const { database, requests } = await restThat((response, call) => {
      if (call === 1) response.socket?.destroy();
      else json(response, 200, 'fine');
    });
    expect(await database.call('find_stale_jobs')).toBe('fine');
    expect(requests).toHaveLength(2);
  });

  test('is not made a third time', async () => {
    const { database, requests } = await restThat((response) => response.socket?.destroy());
    const { message } = await errorOf(database.call('find_stale_jobs'));
    expect(message).toContain('find_stale_jobs: no answer');
    expect(requests).toHaveLength(2);
  });

  test.each([429, 500, 502, 503, 504, 520])(
    'is not repeated after HTTP %i: the next run is the retry',
    async (status) => {
      const { database, requests } = await restThat((response) => json(response, status, { message: 'busy' }));
      const { message } = await errorOf(database.call('find_stale_jobs'));
      expect(message).toBe(`find_stale_jobs: HTTP ${status}: busy`);
      expect(requests).toHaveLength(1);
    },
  );

  test.each([
    ['a key that the gateway refuses', 401, { message: 'Invalid API key' }, 'check SUPABASE_SERVICE_KEY'],
    ['a key of another project', 401, { code: 'PGRST301', message: 'JWSError' }, 'check SUPABASE_SERVICE_KEY'],
    ['a key without the rights', 403, { code: '42501', message: 'permission denied' }, 'must be a secret key'],
    ['a function that is not there', 404, { code: 'PGRST202', message: 'not found' }, 'npm run migrate -- up'],
    ['a statement that takes too long', 500, { code: '57014', message: 'canceling' }, 'statement_timeout'],
  ])('tells what to do about %s', async (_what, status, body, advice) => {
    const { database } = await restThat((response) => json(response, status, body));
    const { message } = await errorOf(database.call('find_stale_jobs'));
    const code = 'code' in body ? ` ${body.code}` : '';
    expect(message).toContain(`find_stale_jobs: HTTP ${status}${code}: ${body.message} (`);
    expect(message).toContain(advice);
  });

  test('keeps the answer as the cause', async () => {
    const { database } = await restThat((response) =>
      json(response, 400, { code: '22023', message: 'bad', hint: 'x' }),
    );
    const error = await errorOf(database.call('find_stale_jobs'));
    expect(error.cause).toMatchObject({ code: '22023', hint: 'x' });
  });

  test.each([200, 502])(
    'is an error, and a short one, when a page is answered instead of JSON, with HTTP %i',
    async (status) => {
      const page = `<${'🚧'.repeat(5_000)}`; // every cut at an even place splits a character
      const { database } = await restThat((response) => {
        response.writeHead(status, { 'content-type': 'text/html' }).end(page);
      });
      const { message } = await errorOf(database.call('find_stale_jobs'));
      expect(message).toContain('find_stale_jobs: ');
      expect(message.length).toBeLessThan(600);
      expect(message.isWellFormed()).toBe(true);
    },
  );

  test('never shows the key, be it one that no header can hold', async () => {
    const { url } = await restThat((response) => json(response, 401, { message: 'Invalid API key' }));
    for (const key of [KEY, `${KEY.slice(0, 20)}\n${KEY.slice(20)}`, `${KEY}…`]) {
      const error = await errorOf((async () => connectDatabase({ url, key }).call('find_stale_jobs'))());
      expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(KEY.slice(0, 20));
      expect(error.message).toContain('SUPABASE_SERVICE_KEY');
    }
  });

  test('takes a key with a line end after it, as a file has it', async () => {
    const { url, requests } = await restThat((response) => json(response, 200, 1));
    expect(await connectDatabase({ url, key: `${KEY}\n` }).call('find_stale_jobs')).toBe(1);
    expect(requests[0]?.headers).toMatchObject({ apikey: KEY, authorization: `Bearer ${KEY}` });
  });
});
