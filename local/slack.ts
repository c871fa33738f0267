import type { IncomingMessage, ServerResponse } from 'node:http';
import { blockKitFaults } from './block-kit.ts';
import { type ReceivedMessage, slackPage } from './slack-page.ts';

/** What the sink does with the next webhooks instead of taking them, to try what happens when Slack fails. */
export type NextAnswer = {
  /** HTTP status; 200 with a `body` other than "ok" is a refusal as well. */
  status?: number;
  body?: string;
  /** Seconds, for the Retry-After header. */
  retryAfter?: number;
  /** `hang` never answers, `close` ends the connection. */
  behaviour?: 'hang' | 'close';
  /** How many webhooks get this answer. @default 1 */
  times?: number;
};

/** One webhook that came in, taken or not: what a test counts. */
type Attempt = { at: Date; path: string; status: number | 'hang' | 'close'; answer: string };

/** What Slack's webhooks say of these states. Source: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks */
const USUAL_BODIES: Readonly<Record<number, string>> = {
  200: 'ok',
  400: 'invalid_payload',
  403: 'action_prohibited',
  404: 'no_service',
  410: 'channel_is_archived',
  429: 'rate_limited',
  500: 'rollup_error',
};

/** A message is small; Slack's own limit is not documented, and this one only keeps a mistake from filling memory. */
const MOST_BYTES = 1_000_000;

/**
 * Stands for Slack on this machine: takes webhooks with Slack's rules and answers, keeps the messages in memory,
 * and shows them as the channel would. `handle` answers what is under /slack and says whether it did.
 */
export function slackSink({ now = () => new Date() }: { now?: () => Date } = {}) {
  const messages: ReceivedMessage[] = [];
  const attempts: Attempt[] = [];
  const planned: NextAnswer[] = [];

  function answerNext({ times = 1, ...answer }: NextAnswer): void {
    planned.push(...Array.from({ length: times }, () => answer));
  }

  function clear(): void {
    for (const list of [messages, attempts, planned]) list.length = 0;
  }

  async function takeWebhook(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const plan = planned.shift();
    const { status = 200, retryAfter, behaviour } = plan ?? {};
    const faults = plan ? [] : payloadFaults(body);
    const code = faults.length > 0 ? 400 : status;
    const answer = plan?.body ?? USUAL_BODIES[code] ?? 'error';
    attempts.push({ at: now(), path, status: behaviour ?? code, answer: [answer, ...faults].join(': ') });
    if (behaviour === 'hang') return;
    if (behaviour === 'close') return void request.socket.destroy();
    if (code === 200 && answer === 'ok') messages.push({ at: now(), payload: JSON.parse(body) });
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    send(response, { status: code, type: 'text/plain; charset=utf-8', body: answer, headers });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const path = (request.url ?? '').replace(/\?.*$/, '');
    const route = `${request.method} ${path.startsWith('/slack/services/') ? '/slack/services/' : path}`;
    switch (route) {
      case 'POST /slack/services/':
        await takeWebhook(path, request, response);
        return true;
      case 'POST /slack/answer':
        return sendJson(response, planFrom(await readBody(request), answerNext));
      case 'GET /slack/messages':
        return sendJson(response, { status: 200, json: messages });
      case 'GET /slack/attempts':
        return sendJson(response, { status: 200, json: attempts });
      case 'GET /slack':
      case 'GET /slack/':
        send(response, {
          status: 200,
          type: 'text/html; charset=utf-8',
          body: slackPage(messages),
          headers: PAGE_HEADERS,
        });
        return true;
      default:
        return false;
    }
  }

  return { handle, messages, attempts, answerNext, clear };
}

/** The page may run its own inline script and load nothing from anywhere, whatever a message holds. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
};

function payloadFaults(body: string): string[] {
  try {
    return blockKitFaults(JSON.parse(body));
  } catch {
    return ['the body is not JSON'];
  }
}

function planFrom(body: string, answerNext: (answer: NextAnswer) => void): { status: number; json: unknown } {
  try {
    const answer: NextAnswer = JSON.parse(body);
    answerNext(answer);
    return { status: 200, json: { planned: answer } };
  } catch {
    return { status: 400, json: { error: 'wanted JSON such as {"status":429,"retryAfter":2,"times":1}' } };
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response: ServerResponse, { status, json }: { status: number; json: unknown }): true {
  send(response, { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(json, null, 2)}\n` });
  return true;
}

type Reply = { status: number; type: string; body: string; headers?: Record<string, string> };

function send(response: ServerResponse, { status, type, body, headers = {} }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers }).end(body);
}
