import type { Message } from '@aws-sdk/client-sqs';
import type { DeadLetterQueue } from './dead-letter-queue.ts';

/** A short queue often answers with nothing though it holds messages. */
const EMPTY_ANSWERS = 3;

export interface PeekOptions {
  readonly queue: DeadLetterQueue;
  /** Visible messages; reading stops when so many were seen. */
  readonly expected: number;
  readonly remainingMs: () => number;
  /** Called with each answer's messages that were not seen before, so that bodies need not stay in memory. */
  readonly onMessages: (messages: Message[]) => Promise<void>;
}

/**
 * Reads the messages of the queue without consuming them. Each stays hidden until the end, so that it is received once,
 * and is given back then, whatever happens; if this process dies, SQS shows it again by itself.
 * @returns the ids of the messages that were seen
 */
export async function peek({ queue, expected, remainingMs, onMessages }: PeekOptions): Promise<Set<string>> {
  const seen = new Set<string>();
  const handles = new Map<string, string>();
  let emptyAnswers = 0;
  try {
    while (seen.size < expected && emptyAnswers < EMPTY_ANSWERS && remainingMs() > 0) {
      const messages = await queue.receive(Math.ceil(remainingMs() / 1000) + 5);
      const unseen = messages.filter(({ MessageId = '' }) => !seen.has(MessageId));
      for (const { MessageId = '', ReceiptHandle = '' } of messages) {
        seen.add(MessageId);
        handles.set(MessageId, ReceiptHandle);
      }
      emptyAnswers = messages.length === 0 ? emptyAnswers + 1 : 0;
      if (unseen.length > 0) await onMessages(unseen);
    }
  } finally {
    await queue.giveBack([...handles.values()]);
  }
  return seen;
}
