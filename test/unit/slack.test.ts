import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import { mrkdwn } from '../../lambdas/shared/mrkdwn.ts';
import { type SlackDelivery, sendToSlack } from '../../lambdas/shared/slack.ts';
import { SlackError } from '../../lambdas/shared/slack-error.ts';
import { section, slackMessage } from '../../lambdas/shared/slack-message.ts';

const TOKEN = 'XXXXXXXXsecretXXXXXXXX24';
const PATH = `/services/T00000000/B00000000/${TOKEN}`;
const MESSAGE = slackMessage(mrkdwn`hello`, [section(mrkdwn`hello`)]);

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A server that answers each request by the next of `answers`, the last one for ever; `bodies` is what it got. */
async function slackAnswering(...answers: RequestListener[]) {
  const bodies: unknown[] = [];
  server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
    answers[Math.min(bodies.length, answers.length) - 1]?.(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { bodies, webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}` };
}

function answer(status: number, body: string, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(body);
}

const OK = answer(200, 'ok');

/** Sends with a clock that only moves by sleeping. */
async function send(
  webhookUrl: string,
  { leftMs = 30_000, ...rest }: Partial<SlackDelivery> & { leftMs?: number } = {},
) {
  const sleeps: number[] = [];
  let time = 0;
  const sleep = async (ms: number) => {
    sleeps.push(ms);
    time += ms;
  };
  const delivery = { webhookUrl, message: MESSAGE, deadlineMs: leftMs, now: () => time, sleep, random: () => 1 };
  const error = await sendToSlack({ ...delivery, ...rest }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error !== undefined) expectNoUrl(error);
  return { error: error as SlackError | undefined, sleeps };
}

/** The message, the stack, each cause and each member of an error: none holds the webhook or its token. */
function expectNoUrl(error: unknown): void {
  expect(error).toBeInstanceOf(SlackError);
  const all = `${inspect(error, { depth: 10, showHidden: true })}${(error as Error).stack}${JSON.stringify(error)}`;
  expect(all).not.toContain(TOKEN);
  expect(all).not.toContain('/services/T');
  expect((error as Error).cause).toBeUndefined();
}

describe('a message that Slack takes', () => {
  test('is sent once, as JSON', async () => {
    const { bodies, webhookUrl } = await slackAnswering(OK);
    expect(await send(webhookUrl)).toEqual({ error: undefined, sleeps: [] });
    expect(bodies).toEqual([MESSAGE]);
  });

  test('is sent to a URL that was stored with a line break at its end', async () => {
    const { webhookUrl } = await slackAnswering(OK);
    expect((await send(`  ${webhookUrl}\n`)).error).toBeUndefined();
  });
});

describe('429', () => {
  test('is obeyed: the wait is what Retry-After says', async () => {
    const { bodies, webhookUrl } = await slackAnswering(answer(429, 'rate_limited', { 'retry-after': '2' }), OK);
    expect(await send(webhookUrl)).toEqual({ error: undefined, sleeps: [2_000] });
    expect(bodies).toHaveLength(2);
  });

  test.each([undefined, 'soon', '-1', 'Wed, 21 Oct 2026 07:28:00 GMT'])(
    'with Retry-After %s waits a second',
    async (value) => {
      const headers: Record<string, string> = value ? { 'retry-after': value } : {};
      const { webhookUrl } = await slackAnswering(answer(429, '', headers), OK);
      expect((await send(webhookUrl)).sleeps).toEqual([1_000]);
    },
  );

  test('is waited for twice and then left to the next run', async () => {
    const { bodies, webhookUrl } = await slackAnswering(answer(429, '', { 'retry-after': '2' }));
    const { error, sleeps } = await send(webhookUrl);
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('in 3 tries: it is rate limiting us'),
    });
    expect(sleeps).toEqual([2_000, 2_000]);
    expect(bodies).toHaveLength(3);
  });

  test.each([
    [2_499, 'not waited for when the run ends first', 0],
    [2_500, 'waited for when a try still fits', 1],
  ])('with %d ms left is %s', async (leftMs, _, waits) => {
    const { webhookUrl } = await slackAnswering(answer(429, '', { 'retry-after': '2' }), OK);
    const { error, sleeps } = await send(webhookUrl, { leftMs });
    expect(sleeps).toHaveLength(waits);
    expect(error?.kind).toBe(waits ? undefined : 'unavailable');
  });
});

describe('a fault of Slack or of the network', () => {
  test('500 is tried again, each time later, with jitter', async () => {
    const { bodies, webhookUrl } = await slackAnswering(answer(500, 'rollup_error'));
    const { error, sleeps } = await send(webhookUrl, { random: () => 0 });
    expect(sleeps).toEqual([250, 500]);
    expect(bodies).toHaveLength(3);
    expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('HTTP 500 "rollup_error"') });
    expect((await send(webhookUrl, { random: () => 1 })).sleeps).toEqual([500, 1_000]);
  });

  test('a connection that closes is tried again', async () => {
    const { bodies, webhookUrl } = await slackAnswering((request) => request.socket.destroy(), OK);
    expect((await send(webhookUrl)).error).toBeUndefined();
    expect(bodies).toHaveLength(2);
  });

  test.each<[string, RequestListener]>([
    ['nothing', () => {}],
    ['headers and then half a body', (_, response) => void response.writeHead(200).write('o')],
  ])('a try that gets %s ends at its deadline', async (_, hang) => {
    const { webhookUrl } = await slackAnswering(hang);
    const { error } = await send(webhookUrl, { leftMs: 300 });
    expect(error).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('no answer within 300 ms') });
  });

  test('nobody at the address is named by its code', async () => {
    const { webhookUrl } = await slackAnswering(OK);
    await new Promise((resolve) => server?.close(resolve));
    expect((await send(webhookUrl)).error?.message).toContain('ECONNREFUSED');
  });

  test('no time left is said without a try', async () => {
    const { bodies, webhookUrl } = await slackAnswering(OK);
    expect((await send(webhookUrl, { leftMs: 0 })).error?.message).toContain('no time was left');
    expect(bodies).toEqual([]);
  });

  test('a fetch that quotes the URL in its error and its cause leaks nothing', async () => {
    const webhookUrl = `https://hooks.slack.com${PATH}`;
    const fetch = () => Promise.reject(new TypeError(`bad ${webhookUrl}`, { cause: new Error(`Cannot POST ${PATH}`) }));
    expect((await send(webhookUrl, { fetch })).error?.message).toContain('bad [webhook]: Cannot POST [webhook]');
  });
});

describe('a refusal', () => {
  test.each([
    [400, 'invalid_payload', 'a bug in Queuekeeper'],
    [400, 'too_many_attachments', 'a bug in Queuekeeper'],
    [400, 'user_not_found', 'make a webhook for a channel'],
    [403, 'invalid_token', 'Make a new incoming webhook'],
    [403, 'action_prohibited', 'An admin of the workspace'],
    [403, 'posting_to_general_channel_denied', 'make a webhook for another channel'],
    [404, 'no_service', 'Make a new incoming webhook'],
    [404, 'no_team', 'Make a new incoming webhook'],
    [404, 'channel_not_found', 'make a webhook for another one'],
    [410, 'channel_is_archived', 'Unarchive the channel'],
    [418, 'something new', 'Check the webhook'],
    [302, '', 'Check the webhook'],
    [200, '<html>captive portal</html>', 'Check the webhook'],
    [200, '', 'Check the webhook'],
  ])('HTTP %d %j is not tried again, is named, and says what to do', async (status, body, advice) => {
    const { bodies, webhookUrl } = await slackAnswering(
      answer(status, body, { location: 'https://elsewhere.example/' }),
    );
    const { error, sleeps } = await send(webhookUrl);
    expect(error).toMatchObject({ kind: 'permanent', message: expect.stringContaining(advice) });
    expect(error?.message).toContain(body.slice(0, 100) || '(nothing)');
    expect([bodies.length, sleeps]).toEqual([1, []]);
  });

  test('that quotes the path, as a proxy does, leaks nothing', async () => {
    const { webhookUrl } = await slackAnswering((request, response) => {
      response.writeHead(404).end(`Cannot POST ${request.url} (${TOKEN})`);
    });
    expect((await send(webhookUrl)).error?.message).toContain('Cannot POST [webhook] ([webhook])');
  });
});

describe('a webhook that is no webhook', () => {
  test.each([
    ['', 'is not a URL'],
    [`hooks.slack.com${PATH}`, 'is not a URL'],
    [`https://[${PATH}`, 'is not a URL'],
    [`http://hooks.slack.com${PATH}`, 'must be https, not http:'],
    [`ftp://hooks.slack.com${PATH}`, 'must be https, not ftp:'],
    [`https://user:${TOKEN}@hooks.slack.com${PATH}`, 'no user'],
    ['https://hooks.slack.com', 'must have a path'],
  ])('%j is refused before anything is sent', async (webhookUrl, wording) => {
    const fetch = () => Promise.reject(new Error('must not be called'));
    expect((await send(webhookUrl, { fetch })).error).toMatchObject({
      kind: 'permanent',
      message: expect.stringContaining(wording),
    });
  });
});
