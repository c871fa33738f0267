import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { latestRedrive, type RedriveTask } from '../shared/redrive-task.ts';

/** The dead-letter queue as the dashboard sees it: it is never received from. */
export interface DeadLetterSource {
  readonly name: string;
  read(): Promise<DeadLetterDepth>;
}

export interface DeadLetterDepth {
  /** Messages that a redrive would move. */
  readonly visible: number;
  /** Messages that somebody is looking at. */
  readonly hidden: number;
  readonly redrive?: RedriveTask;
}

/** @param timeoutMs bound on both calls together */
export function connectDeadLetterSource(client: SQSClient, url: string, timeoutMs = 5_000): DeadLetterSource {
  return {
    name: url.split('/').at(-1) ?? '',
    async read() {
      const abortSignal = AbortSignal.timeout(timeoutMs);
      const command = new GetQueueAttributesCommand({
        QueueUrl: url,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'QueueArn'],
      });
      const { Attributes = {} } = await client.send(command, { abortSignal });
      return {
        visible: Number(Attributes['ApproximateNumberOfMessages']),
        hidden: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
        redrive: await latestRedrive(client, Attributes['QueueArn'] ?? '', abortSignal),
      };
    },
  };
}
