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

/** @param timeoutMs bound on one call, retries included */
export function connectQueue(client: SQSClient, url: string, timeoutMs = 10_000): Queue {
  return {
    isFifo: url.endsWith('.fifo'),
    async sendBatch(entries) {
      const outcomes = new Map<string, SendOutcome>();
      let otherwise = 'SQS did not answer for this entry';
      try {
        const command = new SendMessageBatchCommand({ QueueUrl: url, Entries: entries });
        const answer = await client.send(command, { abortSignal: AbortSignal.timeout(timeoutMs) });
        for (const { Id: id = '', MessageId: messageId } of answer.Successful ?? [])
          outcomes.set(id, { id, messageId });
        for (const { Id: id = '', Code, Message } of answer.Failed ?? []) {
          outcomes.set(id, { id, error: `${Code}: ${Message ?? 'no reason given'}` });
        }
      } catch (error) {
        otherwise = `SQS: ${(error as Error).name}: ${(error as Error).message}`;
      }
      return entries.map(({ Id: id = '' }) => outcomes.get(id) ?? { id, error: otherwise });
    },
  };
}
