import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Depth } from './depth.ts';

/** The dead-letter queue, as far as this function may touch it: nothing here can delete a message. */
export interface DeadLetterQueue {
  readAttributes(): Promise<QueueAttributes>;
  /** Receives up to ten messages and hides them for so long. */
  receive(hideSeconds: number): Promise<Message[]>;
  /** Makes received messages visible again. */
  giveBack(receiptHandles: string[]): Promise<void>;
  /** Messages moved out by redrives that were started since then. */
  countRedriven(queueArn: string, since: Date): Promise<number>;
}

export interface QueueAttributes extends Depth {
  readonly retentionSeconds: number;
  readonly arn: string;
}

const MESSAGES_PER_CALL = 10;
const CALLS_AT_A_TIME = 5;
/** Long enough for SQS to ask all its servers, for a short queue often answers a short poll with nothing. */
const WAIT_SECONDS = 1;

/** @param timeoutMs bound on one call, retries included */
export function connectDeadLetterQueue(client: SQSClient, url: string, timeoutMs = 10_000): DeadLetterQueue {
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  return {
    async readAttributes() {
      const AttributeNames = [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
        'MessageRetentionPeriod',
        'QueueArn',
      ] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...AttributeNames] });
      const { Attributes = {} } = await client.send(command, limit());
      return {
        visible: Number(Attributes['ApproximateNumberOfMessages']),
        inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
        delayed: Number(Attributes['ApproximateNumberOfMessagesDelayed']),
        retentionSeconds: Number(Attributes['MessageRetentionPeriod']),
        arn: Attributes['QueueArn'] ?? '',
      };
    },
    async receive(hideSeconds) {
      const command = new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: MESSAGES_PER_CALL,
        VisibilityTimeout: hideSeconds,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp', 'DeadLetterQueueSourceArn'],
        MessageAttributeNames: ['All'],
      });
      return (await client.send(command, limit())).Messages ?? [];
    },
    async giveBack(receiptHandles) {
      const left = [...receiptHandles];
      const giveSome = async () => {
        while (left.length > 0) {
          const Entries = left.splice(0, MESSAGES_PER_CALL).map((ReceiptHandle, index) => ({
            Id: String(index),
            ReceiptHandle,
            VisibilityTimeout: 0,
          }));
          // A handle that is refused has become visible by itself.
          await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }), limit());
        }
      };
      await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, giveSome));
    },
    async countRedriven(SourceArn, since) {
      const { Results = [] } = await client.send(
        new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 10 }),
        limit(),
      );
      return Results.filter(({ StartedTimestamp = 0 }) => StartedTimestamp >= since.getTime()).reduce(
        (sum, { ApproximateNumberOfMessagesMoved: moved = 0 }) => sum + moved,
        0,
      );
    },
  };
}
