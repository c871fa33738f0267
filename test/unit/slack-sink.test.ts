import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mrkdwn } from '../../lambdas/shared/mrkdwn.ts';
import { section, slackMessage } from '../../lambdas/shared/slack-message.ts';
import { slackSink } from '../../local/slack.ts';
import { mrkdwnHtml } from '../../local/slack-html.ts';
import { hostileText } from './hostile-text.ts';

const NOW = new Date('2026-11-24T15:00:00Z');
const sink = slackSink({ now: () => NOW });
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (!(await sink.handle(request, response))) response.writeHead(404).end('not the sink');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => sink.clear());

const MESSAGE = slackMessage(mrkdwn`hello`, [section(mrkdwn`*hello* ${'<script>alert(1)</script>'}`)]);

async function post(path: string, body: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${origin}${path}`, { method: 'POST', body: text });
  return [response.status, await response.text(), response.headers.get('retry-after')];
}

describe('a webhook', () => {
  test('is answered ok and shown, with its time, as JSON and as a page', async () => {
    expect(await post('/slack/services/T0/B0/x', MESSAGE)).toEqual([200, 'ok', null]);
    expect(sink.messages).toEqual([{ at: NOW, payload: MESSAGE }]);
    const json = await (await fetch(`${origin}/slack/messages`)).json();
    expect(json).toEqual([{ at: NOW.toISOString(), payload: MESSAGE }]);
    const page = await (await fetch(`${origin}/slack`)).text();
    expect(page).toContain('<b>hello</b> &lt;script&gt;alert(1)&lt;/script&gt;');
  });

  test.each([
    'not json',
    '',
    { blocks: [] },
    { text: 'x', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }] },
  ])('%j is answered invalid_payload, as Slack does', async (payload) => {
    expect(await post('/slack/services/T0/B0/x', payload)).toEqual([400, 'invalid_payload', null]);
    expect(sink.messages).toEqual([]);
    expect(sink.attempts).toMatchObject([{ status: 400, path: '/slack/services/T0/B0/x' }]);
  });
});

describe('an answer on command', () => {
  test('is given as often as was asked, and then Slack works again', async () => {
    expect((await post('/slack/answer', { status: 429, retryAfter: 2, times: 2 }))[0]).toBe(200);
    const answers = [];
    for (let tries = 0; tries < 3; tries++) answers.push(await post('/slack/services/x', MESSAGE));
    expect(answers).toEqual([
      [429, 'rate_limited', '2'],
      [429, 'rate_limited', '2'],
      [200, 'ok', null],
    ]);
    expect(sink.messages).toHaveLength(1);
    expect(sink.attempts.map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  test.each([
    [{ status: 404 }, 404, 'no_service'],
    [{ status: 403, body: 'invalid_token' }, 403, 'invalid_token'],
    [{ status: 500 }, 500, 'rollup_error'],
    [{ body: 'not ok' }, 200, 'not ok'],
  ])('%j is answered %d %s', async (next, status, body) => {
    sink.answerNext(next);
    expect(await post('/slack/services/x', MESSAGE)).toEqual([status, body, null]);
    expect(sink.messages).toEqual([]);
  });

  test('can be a closed connection, or none at all', async () => {
    sink.answerNext({ behaviour: 'close' });
    await expect(post('/slack/services/x', MESSAGE)).rejects.toThrow('fetch failed');
    sink.answerNext({ behaviour: 'hang' });
    const hanging = fetch(`${origin}/slack/services/x`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(100),
    });
    await expect(hanging).rejects.toThrow('timeout');
  });

  test('that is not JSON is refused', async () => {
    expect((await post('/slack/answer', 'teapot'))[0]).toBe(400);
  });
});

test.each(['/', '/slacker', '/slack/other', '/api/health'])('%s is left to others', async (path) => {
  expect(await (await fetch(`${origin}${path}`)).text()).toBe('not the sink');
});

describe('Slack’s markup', () => {
  test.each([
    ['*bold* _it_ ~gone~ snake_case_name 2*3*4', '<b>bold</b> <i>it</i> <s>gone</s> snake_case_name 2*3*4'],
    ['`*code*` &lt;b&gt; &amp;amp;', '<code>*code*</code> &lt;b&gt; &amp;amp;'],
    ['run\n```a &lt;b&gt;\n*c*```\nthen', 'run<pre>a &lt;b&gt;\n*c*</pre>then'],
    ['<https://a.example/?x=1&amp;y=2|*go*>', '<a href="https://a.example/?x=1&amp;y=2" rel="noreferrer">*go*</a>'],
    ['<javascript:alert(1)|click>', 'click'],
    ['<!channel> <@U1|bob>', '<span class="mention">@channel</span> <span class="mention">bob</span>'],
    ['&gt; quoted', '<blockquote>quoted</blockquote>'],
    ['<!date^0^{date}|then>', /^<time title="then">Jan 1 at .*<\/time>$|^<time title="then">Dec 31 at .*<\/time>$/],
  ])('%j becomes %j', (text, html) => {
    if (html instanceof RegExp) expect(mrkdwnHtml(text)).toMatch(html);
    else expect(mrkdwnHtml(text)).toBe(html);
  });

  test('lets no tag through that it did not make itself', () => {
    const parts = fc.array(
      fc.oneof(hostileText, fc.constantFrom('*', '_', '`', '```', '<', '>', '|', '"', "'", '\ue000', '0')),
    );
    fc.assert(
      fc.property(parts, (texts) => {
        const html = mrkdwnHtml(texts.join(''));
        const own =
          /<\/?(?:b|i|s|code|pre|blockquote|span|time|a|br)(?: (?:class="mention"|title="[^"<>]*"|href="(?:https?|mailto):[^"<>]*"|rel="noreferrer"))*>/gi;
        expect(html.replace(own, '')).not.toMatch(/[<>"]/);
      }),
    );
  });
});
