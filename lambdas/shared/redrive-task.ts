import { ListMessageMoveTasksCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** A redrive, running or over. */
export interface RedriveTask {
  readonly status: string;
  readonly moved: number;
  readonly total?: number;
  readonly startedAt?: Date;
  readonly failure?: string;
  /** Only of a running one. */
  readonly handle?: string;
}

/** The latest redrive of a dead-letter queue; undefined when there was none in the last days. */
export async function latestRedrive(
  client: SQSClient,
  queueArn: string,
  abortSignal: AbortSignal,
): Promise<RedriveTask | undefined> {
  const command = new ListMessageMoveTasksCommand({ SourceArn: queueArn, MaxResults: 1 });
  const [task] = (await client.send(command, { abortSignal })).Results ?? [];
  if (!task) return undefined;
  return {
    status: task.Status ?? 'UNKNOWN',
    moved: task.ApproximateNumberOfMessagesMoved ?? 0,
    total: task.ApproximateNumberOfMessagesToMove,
    startedAt: task.StartedTimestamp === undefined ? undefined : new Date(task.StartedTimestamp),
    failure: task.FailureReason,
    handle: task.TaskHandle,
  };
}
