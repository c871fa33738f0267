import type { KnownBlock } from '@slack/types';
import { counted } from '../shared/counted.ts';
import { describeDuration } from '../shared/duration.ts';
import { code, join, link, type Mrkdwn, moment, mrkdwn } from '../shared/mrkdwn.ts';
import { redact } from '../shared/redact.ts';
import { context, section } from '../shared/slack-message.ts';
import { escalationLevel } from './escalation.ts';
import { type Cause, groupCauses } from './fingerprint.ts';

/** What an alert may say of a dead letter. Its body is not here, so that no renderer can show it. */
export type DeadLetter = {
  messageId: string;
  jobId?: string;
  customerId?: string;
  jobType?: string;
  /** Why it failed, as the job's row or the message says it. Shown redacted and normalised. */
  reason?: string;
  receiveCount: number;
  sentAt: Date;
  expiresAt: Date;
  firstSeenAt: Date;
};

export type Queue = { name: string; region: string; account: string };

/** Where a reader goes next. The console page of the queue, the dashboard of the stack, the runbook entry. */
export type Links = { queueConsole: string; dashboard?: string; runbook?: string };

/**
 * What could not be found out in this run: `messages` (the queue gave none to read), `state` (what was last
 * alerted about), `database` (Supabase: dead letters are not recorded, jobs not marked).
 */
export type Unknown = 'messages' | 'state' | 'database';

const MOST_CAUSES = 3;
const MOST_MESSAGES = 5;

/** An id or a name from a message. A customer id can be an e-mail address, so that it is redacted as well. */
function value(text: string | undefined): Mrkdwn {
  return text ? code(redact(text)) : mrkdwn`not known`;
}

function queueName(queue: Queue): Mrkdwn {
  return mrkdwn`${code(queue.name)} (${queue.region}, account ${queue.account})`;
}

/** The sharper, the less of its retention the oldest message has left; nothing in its first half. */
export function escalationBlocks(oldest: DeadLetter | undefined, retentionSeconds: number, now: Date): KnownBlock[] {
  if (!oldest) return [];
  const left = describeDuration(oldest.expiresAt.getTime() - now.getTime());
  switch (escalationLevel(oldest.expiresAt, retentionSeconds, now)) {
    case 95:
      return [
        section(
          mrkdwn`🔥 *Act now: the oldest is deleted in ${left}* and its job’s work is lost with it. Redrive it or save it.`,
        ),
      ];
    case 80:
      return [
        section(
          mrkdwn`⚠️ *The oldest has used 80 % of its time: SQS deletes it in ${left}.* Fix the cause and redrive before then.`,
        ),
      ];
    case 50:
      return [section(mrkdwn`⏳ The oldest has used half of its time: SQS deletes it in ${left}.`)];
    default:
      return [];
  }
}

/** The three most frequent causes among the messages that were read. */
export function causeBlocks(deadLetters: readonly DeadLetter[], total: number, now: Date): KnownBlock[] {
  if (deadLetters.length === 0) return [];
  const causes = groupCauses(deadLetters);
  const rest = causes.length - MOST_CAUSES;
  const scope = deadLetters.length < total ? mrkdwn` (of the ${deadLetters.length} that were read)` : mrkdwn``;
  return [
    section(
      mrkdwn`*Top causes*${scope}`,
      ...causes.slice(0, MOST_CAUSES).map((cause) => causeLine(cause, now)),
      ...(rest > 0 ? [mrkdwn`… and ${counted(rest, 'more cause')}`] : []),
    ),
  ];
}

function causeLine({ count, jobType, reason, firstSeenAt, lastSeenAt }: Cause, now: Date): Mrkdwn {
  const first = describeDuration(now.getTime() - firstSeenAt.getTime());
  const last = describeDuration(now.getTime() - lastSeenAt.getTime());
  const seen = first === last ? mrkdwn`seen ${first} ago` : mrkdwn`first ${first} ago, last ${last} ago`;
  const what = reason ? code(reason) : mrkdwn`no reason given`;
  return mrkdwn`• *${count} ×* ${jobType ? mrkdwn`${value(jobType)}: ` : mrkdwn``}${what} (${seen})`;
}

/** Up to five messages, the first to expire first. */
export function messageBlocks(deadLetters: readonly DeadLetter[], total: number, now: Date): KnownBlock[] {
  if (deadLetters.length === 0) return [];
  const shown = soonestFirst(deadLetters).slice(0, MOST_MESSAGES);
  const rest = total - shown.length;
  return [
    section(
      mrkdwn`*Messages*, the first to expire first`,
      ...shown.map((deadLetter) => messageLine(deadLetter, now)),
      ...(rest > 0 ? [mrkdwn`… and ${rest} more in the queue`] : []),
    ),
  ];
}

function messageLine(deadLetter: DeadLetter, now: Date): Mrkdwn {
  const { jobId, messageId, customerId, receiveCount, sentAt, expiresAt } = deadLetter;
  const name = jobId ? mrkdwn`job ${value(jobId)}` : mrkdwn`message ${code(messageId)} (no job id)`;
  const age = describeDuration(now.getTime() - sentAt.getTime());
  const left = describeDuration(expiresAt.getTime() - now.getTime());
  const attempts = counted(receiveCount, 'attempt');
  return mrkdwn`• ${name} *expires in ${left}*\n      customer ${value(customerId)} · ${attempts} · ${age} old`;
}

/** Those that SQS deleted before anyone acted, each by the id under which `dead_letters` keeps its body. */
export function expiredLines(expired: readonly DeadLetter[], most: number): Mrkdwn[] {
  const rest = expired.length - most;
  return [
    ...expired.slice(0, most).map(({ messageId, jobId, customerId, expiresAt }) => {
      return mrkdwn`• message ${code(messageId)} · job ${value(jobId)} · customer ${value(customerId)} · expired ${moment(expiresAt)}`;
    }),
    ...(rest > 0 ? [mrkdwn`… and ${rest} more, all in the table ${code('dead_letters')}`] : []),
  ];
}

const UNKNOWN_WORDING: Readonly<Record<Unknown, string>> = {
  messages: 'The messages could not be read: their jobs, causes and time of expiry are not known.',
  state: 'The record of earlier alerts did not answer: this alert may repeat one, and what is new is not known.',
  database: 'The database did not answer: the messages are not recorded yet and their jobs may not be marked failed.',
};

/** An alert that knows less than it should says so, because a reader takes a missing part for a zero. */
export function unknownBlocks(unknown: readonly Unknown[]): KnownBlock[] {
  if (unknown.length === 0) return [];
  return [section(...unknown.map((part) => mrkdwn`❓ ${UNKNOWN_WORDING[part]}`))];
}

/**
 * Links as text and not as buttons: Slack asks the app to acknowledge a click even on a button that only opens a
 * page, and a webhook has nobody to do so; the reader gets a warning sign instead.
 * Source: https://github.com/slackapi/node-slack-sdk/issues/869
 */
export function linkBlock({ queueConsole, dashboard, runbook }: Links): KnownBlock {
  const links = [
    ...(runbook ? [link(runbook, '📖 Runbook')] : []),
    link(queueConsole, '📬 Queue in the console'),
    ...(dashboard ? [link(dashboard, '📊 Dashboard')] : []),
  ];
  return section(join(links, ' · '));
}

export function footer(queue: Queue, now: Date): KnownBlock {
  return context(mrkdwn`dlq-monitor · ${queueName(queue)} · ${moment(now)}`);
}

export function soonestFirst(deadLetters: readonly DeadLetter[]): DeadLetter[] {
  return deadLetters.toSorted((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime());
}
