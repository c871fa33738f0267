import type { Message } from '@aws-sdk/client-sqs';
import { attempt } from '../shared/attempt.ts';
import type { DeadLetterQueue, QueueAttributes } from './dead-letter-queue.ts';
import { totalOf } from './depth.ts';
import { deadLetterOf, type Ledger } from './ledger.ts';
import { toLetter } from './letter.ts';
import type { DeadLetter } from './message-parts.ts';
import { peek } from './peek.ts';
import type { LastLook } from './state-store.ts';

/** Read letters that are kept in memory for an alert without the database. */
const MOST_KEPT = 200;

export interface LookOptions {
  readonly queue: DeadLetterQueue;
  readonly depth: QueueAttributes;
  readonly last?: LastLook;
  /** Messages that redrives have moved out since the incident began; undefined when that is not known. */
  readonly redriven?: number;
  /** Undefined when the database cannot even be tried. */
  readonly ledger?: Ledger;
  readonly now: Date;
  readonly remainingMs: () => number;
  readonly problem: (text: string) => void;
}

export interface Look {
  /** Ids seen in this run; undefined when the queue had not changed and was left alone, or could not be read. */
  readonly seen?: Set<string>;
  /** Letters that came since the look before; undefined when that is not known for certain. */
  readonly newCount?: number;
  /** From the database where it answers, else what was read just now. */
  readonly deadLetters: DeadLetter[];
  readonly isDatabaseKnown: boolean;
  /** Every message of the queue was seen and recorded in this run. */
  readonly isWhole: boolean;
  /** What the next run compares with. */
  readonly next: LastLook;
}

/**
 * Reads the messages when something has changed, or when an earlier look could not be recorded and the database is
 * back, for each look is a receive, and SQS puts a message that was received three times at the back of the queue.
 */
export async function look(options: LookOptions): Promise<Look> {
  const { queue, depth, last = FIRST, ledger, now, remainingMs, problem } = options;
  const total = totalOf(depth);
  const redriven = options.redriven ?? last.redriven;
  const known = await attempt('read dead_letters', () => ledger?.open(), problem);
  const hasChanged =
    total !== last.depth ||
    depth.visible > last.visible || // those that were out of sight are back
    redriven > last.redriven; // as many may have failed again
  if (depth.visible === 0 || !(hasChanged || (!last.isRecorded && known))) {
    const next = total === 0 ? FIRST : last;
    return { deadLetters: known ?? [], isDatabaseKnown: known !== undefined, isWhole: false, next };
  }

  const kept: DeadLetter[] = [];
  let newCount = 0;
  let isRecorded = known !== undefined;
  let isRefused = false;
  const onMessages = async (messages: Message[]) => {
    const letters = messages.map((message) => toLetter(message, depth.retentionSeconds, now));
    if (kept.length < MOST_KEPT) kept.push(...letters.map((letter) => deadLetterOf(letter, now)));
    if (!ledger || !isRecorded) return;
    const recorded = await attempt('record dead letters', () => ledger.record(letters), problem);
    isRecorded = recorded !== undefined;
    newCount += recorded?.newCount ?? 0;
    for (const refusal of recorded?.refused ?? []) {
      isRefused = true;
      problem(`record a dead letter: ${refusal}`);
    }
    for (const reason of recorded?.unmarked ?? []) problem(`mark the job of a dead letter: ${reason}`);
  };
  const seen = await attempt(
    'read the dead-letter queue',
    () => peek({ queue, expected: depth.visible, remainingMs, onMessages }),
    problem,
  );
  const recorded = isRecorded ? await attempt('read dead_letters', () => ledger?.open(), problem) : undefined;
  const isComplete = seen !== undefined && seen.size >= total;
  const isWhole = isComplete && isRecorded && !isRefused;
  // The next run reads on. But of a FIFO group no more than ten messages can be read by anyone, ever.
  const isUnread = seen !== undefined && (seen.size === 0 || (seen.size < depth.visible && remainingMs() <= 0));
  return {
    seen,
    // What an earlier look did not read or record is new to the database, but no news.
    newCount: isWhole && last.isWhole ? newCount : undefined,
    deadLetters: recorded?.filter((letter) => !isComplete || seen.has(letter.messageId)) ?? known ?? kept,
    isDatabaseKnown: recorded !== undefined,
    isWhole,
    next: {
      depth: total,
      visible: isUnread ? seen.size : depth.visible,
      redriven,
      isRecorded: isRecorded && seen !== undefined,
      isWhole,
    },
  };
}

/** Where nothing is, or was looked at yet, all that is found is news. */
const FIRST: LastLook = { depth: 0, visible: 0, redriven: 0, isRecorded: true, isWhole: true };
