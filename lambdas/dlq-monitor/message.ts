import { counted } from '../shared/counted.ts';
import { describeDuration } from '../shared/duration.ts';
import { code, codeBlock, type Mrkdwn, moment, mrkdwn } from '../shared/mrkdwn.ts';
import { fields, header, type SlackMessage, section, slackMessage } from '../shared/slack-message.ts';
import { type Depth, totalOf } from './depth.ts';
import {
  causeBlocks,
  type DeadLetter,
  escalationBlocks,
  expiredLines,
  footer,
  type Links,
  linkBlock,
  messageBlocks,
  type Queue,
  soonestFirst,
  type Unknown,
  unknownBlocks,
} from './message-parts.ts';

export type DeadLetterAlert = {
  kind: 'first' | 'growth' | 'reminder';
  queue: Queue;
  depth: Depth;
  /** Since the last alert that Slack took; absent when that is not known. */
  newCount?: number;
  /** Those that were read, which may be fewer than the depth. */
  deadLetters: readonly DeadLetter[];
  /** When this incident was first seen. */
  since: Date;
  retentionSeconds: number;
  links: Links;
  /** The exact command that puts the messages back, to copy and run. */
  redriveCommand: string;
  unknown?: readonly Unknown[];
  now: Date;
};

/** The message for dead letters: the first ones, more of them, or a reminder while any remain. */
export function deadLetterAlert(alert: DeadLetterAlert): SlackMessage {
  const { queue, depth, deadLetters, retentionSeconds, links, redriveCommand, unknown = [], now } = alert;
  const total = totalOf(depth);
  const title = `🚨 Dead Letter Queue Alert - ${total} failed job(s)`;
  const oldest = soonestFirst(deadLetters)[0];
  return slackMessage(mrkdwn`${title}: ${queue.name}, ${newText(alert.newCount)}`, [
    header(title),
    section(lead(alert, total)),
    ...escalationBlocks(oldest, retentionSeconds, now),
    fields(
      mrkdwn`*In the queue*\n${total} (${depth.visible} visible, ${depth.inFlight} in flight, ${depth.delayed} delayed)`,
      mrkdwn`*New*\n${alert.newCount ?? 'not known'}`,
      mrkdwn`*Since*\n${moment(alert.since)} (${describeDuration(now.getTime() - alert.since.getTime())})`,
      mrkdwn`*First one expires in*\n${oldest ? describeDuration(oldest.expiresAt.getTime() - now.getTime()) : 'not known'}`,
    ),
    ...unknownBlocks(unknown),
    ...causeBlocks(deadLetters, total, now),
    ...messageBlocks(deadLetters, total, now),
    section(mrkdwn`*When the cause is fixed*, put the messages back to work:`, codeBlock(redriveCommand)),
    linkBlock(links),
    footer(queue, now),
  ]);
}

function newText(newCount: number | undefined): string {
  return newCount === undefined ? 'how many are new is not known' : `${newCount} new`;
}

function lead({ kind, queue, newCount, since, now }: DeadLetterAlert, total: number): Mrkdwn {
  const name = code(queue.name);
  switch (kind) {
    case 'first':
      return mrkdwn`${counted(total, 'message')} in ${name} failed every attempt and will not run again without you.`;
    case 'growth':
      return mrkdwn`*More jobs have failed*: ${newText(newCount)} in ${name} since the last alert, ${total} in all.`;
    case 'reminder':
      return mrkdwn`🔁 *Reminder*: ${counted(total, 'message')} still in ${name}, for ${describeDuration(now.getTime() - since.getTime())} now.`;
  }
}

export type AllClear = {
  queue: Queue;
  /** How the messages left the queue, as far as can be known. */
  cleared: { redriven: number; deleted: number; expired: readonly DeadLetter[]; unknown: number };
  since: Date;
  links: Links;
  unknown?: readonly Unknown[];
  now: Date;
};

/** Ids of lost messages that one Slack text holds with ease; the rest is in `dead_letters`. */
const MOST_EXPIRED = 10;

/** The message for a queue that is empty again. Messages that expired are lost work, so that it is no good news. */
export function allClear({ queue, cleared, since, links, unknown = [], now }: AllClear): SlackMessage {
  const { redriven, deleted, expired } = cleared;
  const total = redriven + deleted + expired.length + cleared.unknown;
  const isLoss = expired.length > 0;
  const title = isLoss
    ? `⚠️ Dead Letter Queue empty - ${expired.length} of ${total} failed job(s) LOST`
    : `✅ Dead Letter Queue clear - ${total} failed job(s) dealt with`;
  const opening = isLoss
    ? mrkdwn`${code(queue.name)} is empty, but *messages expired before anyone acted: that is data loss.*`
    : mrkdwn`${code(queue.name)} is empty again.`;
  return slackMessage(mrkdwn`${title}: ${queue.name}`, [
    header(title),
    section(opening),
    section(...clearedLines(cleared)),
    ...(isLoss ? [section(mrkdwn`*Lost*`, ...expiredLines(expired, MOST_EXPIRED)), section(RESTORE)] : []),
    fields(mrkdwn`*Since*\n${moment(since)}`, mrkdwn`*It took*\n${describeDuration(now.getTime() - since.getTime())}`),
    ...unknownBlocks(unknown),
    linkBlock(links),
    footer(queue, now),
  ]);
}

const RESTORE = mrkdwn`Their bodies are kept in the table ${code('dead_letters')}: send them again from there if the work still matters.`;

function clearedLines({ redriven, deleted, expired, unknown }: AllClear['cleared']): Mrkdwn[] {
  const lines: [number, Mrkdwn][] = [
    [redriven, mrkdwn`• ♻️ *${redriven}* redriven: back in their queue, being tried again`],
    [deleted, mrkdwn`• 🗑️ *${deleted}* deleted by someone`],
    [expired.length, mrkdwn`• ☠️ *${expired.length}* expired: deleted by SQS at the end of the retention`],
    [unknown, mrkdwn`• ❓ *${unknown}* gone in a way that is not known (redriven, deleted by hand, or expired unread)`],
  ];
  const present = lines.filter(([count]) => count > 0).map(([, line]) => line);
  return present.length > 0 ? [mrkdwn`*How it was cleared*`, ...present] : [mrkdwn`How it was cleared is not known.`];
}
