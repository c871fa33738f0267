import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';

export interface Queue {
  readonly isFifo: boolean;
  /** Sends up to ten messages. Answers for every entry, whatever happens, and never throws. */
  sendBatch(entries: SendMessageBatchRequestEntry[]): Promise<SendOutcome[]>;
}

/** `messageId` where SQS acknowledged the entry, else `error`. */
export interface SendOutcome {
  readonly id: string;
  readonly messageId?: string;
  readonly error?: string;
}

/** @param timeoutMs bound on one batch, retries included */
export function connectQueue(client: SQSClient, url: string, timeoutMs = 10_000): Queue {
  async function send(entries: SendMessageBatchRequestEntry[], abortSignal: AbortSignal): Promise<SendOutcome[]> {
    const outcomes = new Map<string, SendOutcome>();
    let otherwise = 'SQS did not answer for this entry';
    try {
      const command = new SendMessageBatchCommand({ QueueUrl: url, Entries: entries });
      const answer = await client.send(command, { abortSignal });
      for (const { Id: id = '', MessageId: messageId } of answer.Successful ?? []) outcomes.set(id, { id, messageId });
      for (const { Id: id = '', Code, Message } of answer.Failed ?? []) {
        outcomes.set(id, { id, error: `${Code}: ${Message ?? 'no reason given'}` });
      }
    } catch (error) {
      // A batch is measured as a whole: one huge entry must not take the others with it.
      if (entries.length > 1 && (error as Error).name.endsWith('BatchRequestTooLong')) {
        return (await Promise.all(entries.map((entry) => send([entry], abortSignal)))).flat();
      }
      otherwise = `SQS: ${(error as Error).name}: ${(error as Error).message}`;
    }
    return entries.map(({ Id: id = '' }) => outcomes.get(id) ?? { id, error: otherwise });
  }
  return {
    isFifo: url.endsWith('.fifo'),
    sendBatch: (entries) => send(entries, AbortSignal.timeout(timeoutMs)),
  };
}
