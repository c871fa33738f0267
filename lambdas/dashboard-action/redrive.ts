import {
  CancelMessageMoveTaskCommand,
  GetQueueAttributesCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { latestRedrive, type RedriveTask } from '../shared/redrive-task.ts';

/** The dead-letter queue, as far as this function may touch it: SQS itself moves the messages. */
export interface Redrive {
  look(): Promise<{ readonly visible: number; readonly task?: RedriveTask }>;
  start(perSecond: number): Promise<void>;
  /** @returns how many were moved before it stopped */
  stop(handle: string): Promise<number>;
}

/** @param timeoutMs bound on each of the three */
export function connectRedrive(client: SQSClient, url: string, timeoutMs = 6_000): Redrive {
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  const read = async (abortSignal: AbortSignal) => {
    const AttributeNames = ['ApproximateNumberOfMessages', 'QueueArn'] as const;
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...AttributeNames] });
    const { Attributes = {} } = await client.send(command, { abortSignal });
    return { visible: Number(Attributes['ApproximateNumberOfMessages']), arn: Attributes['QueueArn'] ?? '' };
  };
  return {
    async look() {
      const { abortSignal } = limit();
      const { visible, arn } = await read(abortSignal);
      return { visible, task: await latestRedrive(client, arn, abortSignal) };
    },
    async start(perSecond) {
      const { abortSignal } = limit();
      const { arn } = await read(abortSignal);
      const command = new StartMessageMoveTaskCommand({ SourceArn: arn, MaxNumberOfMessagesPerSecond: perSecond });
      await client.send(command, { abortSignal });
    },
    async stop(TaskHandle) {
      const answer = await client.send(new CancelMessageMoveTaskCommand({ TaskHandle }), limit());
      return answer.ApproximateNumberOfMessagesMoved ?? 0;
    },
  };
}
