import type { Message } from '@aws-sdk/client-sqs';
import { connectDeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { totalOf } from '../../lambdas/dlq-monitor/depth.ts';
import { openLedger } from '../../lambdas/dlq-monitor/ledger.ts';
import { toLetter } from '../../lambdas/dlq-monitor/letter.ts';
import { peek } from '../../lambdas/dlq-monitor/peek.ts';
import { counted } from '../../lambdas/shared/counted.ts';
import type { Context } from '../context.ts';
import type { Tell } from '../progress.ts';

/** Reading 100,000 messages takes less; each stays hidden from redrives so long at most. */
const LONGEST_MS = 300_000;

export interface RecordReport {
  readonly queue: string;
  readonly in_queue: number;
  readonly read: number;
  readonly new: number;
  /** Letters that could not be recorded, or whose job could not be marked failed, with the reason. */
  readonly problems: readonly string[];
}

/** Reads every dead letter without consuming it, and records it with its body, as the dlq-monitor does. */
export async function recordLetters(context: Context, tell: Tell): Promise<RecordReport> {
  const dlqUrl = await context.dlqUrl();
  const queue = connectDeadLetterQueue(context.clients.sqs, dlqUrl);
  const depth = await queue.readAttributes();
  const name = queueNameOf(dlqUrl);
  const ledger = openLedger(context.database(), name);
  const until = Date.now() + LONGEST_MS;
  const problems: string[] = [];
  let newCount = 0;
  let readCount = 0;
  const onMessages = async (messages: Message[]) => {
    const letters = messages.map((message) => toLetter(message, depth.retentionSeconds, new Date()));
    const recorded = await ledger.record(letters);
    newCount += recorded.newCount;
    problems.push(...recorded.refused, ...recorded.unmarked);
    readCount += messages.length;
    tell(`recording dead letters: ${readCount} of ${depth.visible}`);
  };
  const seen = await peek({ queue, expected: depth.visible, remainingMs: () => until - Date.now(), onMessages });
  return { queue: name, in_queue: totalOf(depth), read: seen.size, new: newCount, problems };
}

export function queueNameOf(queueUrl: string): string {
  return queueUrl.split('/').at(-1) ?? '';
}

export function recordText(report: RecordReport): string {
  const { queue, in_queue: inQueue, read, new: newCount, problems } = report;
  if (inQueue === 0) return `No dead letters in ${queue}.`;
  const hidden =
    inQueue > read
      ? [`${counted(inQueue - read, 'more message')} hidden: somebody else was reading. Run it again.`]
      : [];
  return [
    `Recorded ${counted(read, 'dead letter')} of ${queue}, ${newCount} new. Nothing has left the queue.`,
    ...hidden,
    ...problems,
  ].join('\n');
}
