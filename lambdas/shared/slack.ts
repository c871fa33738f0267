import { setTimeout as pause } from 'node:timers/promises';
import { describeFailure, refusal, SlackError, withoutUrl } from './slack-error.ts';
import type { SlackMessage } from './slack-message.ts';

/** One try, headers and body together. Slack answers a webhook well within a second. */
const TRY_TIMEOUT_MS = 5_000;
/** No try starts with less than this left: it could only be cut off after Slack had taken the message. */
const SHORTEST_TRY_MS = 500;
/** Slack may disable an app that keeps sending while rate limited, so 429 is obeyed and then left to the next run. */
const MOST_WAITS = 2;
/** Used when a 429 names no time: Slack takes one message a second (https://api.slack.com/docs/rate-limits). */
const DEFAULT_RETRY_AFTER_MS = 1_000;
const FIRST_BACKOFF_MS = 500;

export type SlackDelivery = {
  webhookUrl: string;
  message: SlackMessage;
  /** When the sender must be done, in milliseconds since the epoch: Lambda's end of the run, less what comes after. */
  deadlineMs: number;
  fetch?: typeof globalThis.fetch;
  now?: () => number;
  sleep?: (ms: number) => Promise<unknown>;
  /** From 0 to 1, so that many senders that fail together do not return together. */
  random?: () => number;
};

type Answer = { status: number; body: string; retryAfter: string | null } | { failure: string };

/**
 * Delivers one message, or throws `SlackError`: an alert that returned was taken by Slack.
 *
 * A time-out and a 5xx are ambiguous (Slack may have posted the message), and are tried again: an alert that is
 * seen twice is better than one that is never seen.
 */
export async function sendToSlack({
  webhookUrl,
  message,
  deadlineMs,
  fetch = globalThis.fetch,
  now = Date.now,
  sleep = pause,
  random = Math.random,
}: SlackDelivery): Promise<void> {
  const url = checkWebhookUrl(webhookUrl);
  const body = JSON.stringify(message);
  for (let waits = 0; ; waits++) {
    const answer = await post({ fetch, url, body, timeoutMs: Math.min(TRY_TIMEOUT_MS, deadlineMs - now()) });
    if (isDelivered(answer)) return;
    const { reason, waitMs } = retryOf(answer, waits, random);
    if (waits >= MOST_WAITS) {
      throw new SlackError('unavailable', `Slack did not take the message in ${waits + 1} tries: ${reason}.`);
    }
    const leftMs = deadlineMs - now();
    if (waitMs + SHORTEST_TRY_MS > leftMs) {
      throw new SlackError(
        'unavailable',
        `Slack did not take the message: ${reason}. To try again takes a wait of ${waitMs} ms, and ${leftMs} ms are left.`,
      );
    }
    await sleep(waitMs);
  }
}

/**
 * The URL, trimmed, since a pasted secret often ends in a line break. Only https, but for the local system's
 * sink on loopback. The message never quotes the value: a mistyped URL is mostly still the secret.
 */
function checkWebhookUrl(webhookUrl: string): string {
  const url = URL.parse(webhookUrl.trim());
  if (!url)
    throw new SlackError('permanent', 'The Slack webhook is not a URL: wanted https://hooks.slack.com/services/…');
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw new SlackError('permanent', `The Slack webhook must be https, not ${url.protocol.slice(0, 20)}`);
  }
  if (url.username || url.password || url.pathname === '/') {
    throw new SlackError(
      'permanent',
      'The Slack webhook must have a path and no user: https://hooks.slack.com/services/…',
    );
  }
  return url.href;
}

type Post = { fetch: typeof globalThis.fetch; url: string; body: string; timeoutMs: number };

/** One try. Nothing that fetch throws gets out as it is, because it may quote the URL. */
async function post({ fetch, url, body, timeoutMs }: Post): Promise<Answer> {
  if (timeoutMs <= 0) return { failure: 'no time was left to send it' };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = withoutUrl(await response.text(), url);
    return { status: response.status, body: text, retryAfter: response.headers.get('retry-after') };
  } catch (error) {
    const isTimeout = Error.isError(error) && error.name === 'TimeoutError';
    return { failure: isTimeout ? `no answer within ${timeoutMs} ms` : describeFailure(error, url) };
  }
}

function isDelivered(answer: Answer): boolean {
  return 'status' in answer && answer.status === 200 && answer.body.trim() === 'ok';
}

/** How long to wait before the next try; throws when there must be none. */
function retryOf(answer: Answer, waits: number, random: () => number): { reason: string; waitMs: number } {
  const backoffMs = Math.round(FIRST_BACKOFF_MS * 2 ** waits * (0.5 + random() / 2));
  if ('failure' in answer) return { reason: answer.failure, waitMs: backoffMs };
  const { status, body, retryAfter } = answer;
  if (status === 429) return { reason: 'it is rate limiting us (HTTP 429)', waitMs: retryAfterMs(retryAfter) };
  if (status >= 500) return { reason: `HTTP ${status} "${body.trim().slice(0, 100)}"`, waitMs: backoffMs };
  throw refusal(status, body);
}

function retryAfterMs(header: string | null): number {
  const seconds = Number(header?.trim() || Number.NaN);
  return seconds >= 0 ? Math.ceil(seconds * 1_000) : DEFAULT_RETRY_AFTER_MS;
}
