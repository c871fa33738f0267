import type { Message } from '@aws-sdk/client-sqs';
import type { DeadLetterQueue, QueueAttributes } from './dead-letter-queue.ts';
import { deadLetterOf, type Ledger } from './ledger.ts';
import { toLetter } from './letter.ts';
import type { DeadLetter } from './message-parts.ts';
import { peek } from './peek.ts';
import type { State } from './state-store.ts';

/** Read letters that are kept in memory for an alert without the database. */
const MOST_KEPT = 200;

export interface LookOptions {
  readonly queue: DeadLetterQueue;
  readonly depth: QueueAttributes;
  readonly last: State['look'];
  /** Undefined when the database cannot even be tried. */
  readonly ledger?: Ledger;
  readonly now: Date;
  readonly remainingMs: () => number;
  readonly problem: (text: string) => void;
}

export interface Look {
  /** Ids seen in this run; undefined when the queue had not changed and was left alone, or could not be read. */
  readonly seen?: Set<string>;
  /** Every message of the queue was seen. */
  readonly isComplete: boolean;
  /** Letters that came since the look before; undefined when that is not known for certain. */
  readonly newCount?: number;
  /** From the database where it answers, else what was read just now. */
  readonly deadLetters: DeadLetter[];
  readonly isRecorded: boolean;
  readonly isDatabaseKnown: boolean;
}

/**
 * Reads the messages when their number has changed, or when an earlier look could not be recorded and the database is
 * back, for each look is a receive, and SQS puts a message that was received three times at the back of the queue.
 */
export async function look(options: LookOptions): Promise<Look> {
  const { queue, depth, last, ledger, now, remainingMs, problem } = options;
  const total = depth.visible + depth.inFlight + depth.delayed;
  const known = await attempt(() => ledger?.open(), 'read dead_letters', problem);
  const hasChanged = total !== (last?.depth ?? 0);
  const isOwed = last?.isRecorded === false && known !== undefined;
  if (depth.visible === 0 || (!hasChanged && !isOwed)) {
    const isRecorded = last?.isRecorded ?? true;
    return { deadLetters: known ?? [], isComplete: false, isRecorded, isDatabaseKnown: known !== undefined };
  }

  const kept: DeadLetter[] = [];
  let newCount = 0;
  let isRecorded = known !== undefined;
  const onMessages = async (messages: Message[]) => {
    const letters = messages.map((message) => toLetter(message, depth.retentionSeconds, now));
    if (kept.length < MOST_KEPT) kept.push(...letters.map((letter) => deadLetterOf(letter, now)));
    if (!ledger || !isRecorded) return;
    const recorded = await attempt(() => ledger.record(letters), 'record dead letters', problem);
    isRecorded = recorded !== undefined;
    newCount += recorded?.newCount ?? 0;
    for (const refusal of recorded?.refused ?? []) problem(`record a dead letter: ${refusal}`);
  };
  const seen = await attempt(
    () => peek({ queue, expected: depth.visible, remainingMs, onMessages }),
    'read the dead-letter queue',
    problem,
  );
  const recorded = isRecorded ? await attempt(() => ledger?.open(), 'read dead_letters', problem) : undefined;
  const isComplete = seen !== undefined && seen.size >= total;
  return {
    seen,
    isComplete,
    // What an earlier look could not record is new to the database, but no news.
    newCount: isComplete && isRecorded && last?.isRecorded !== false ? newCount : undefined,
    deadLetters: recorded?.filter((letter) => !isComplete || seen.has(letter.messageId)) ?? known ?? kept,
    isRecorded: isRecorded && seen !== undefined,
    isDatabaseKnown: recorded !== undefined,
  };
}

async function attempt<T>(work: () => Promise<T> | undefined, what: string, problem: LookOptions['problem']) {
  try {
    return await work();
  } catch (error) {
    problem(`${what}: ${(error as Error).message}`);
    return undefined;
  }
}
