/** What SQS does about dead letters and fauxqs 2.4.1 does not. */
import { randomUUID } from 'node:crypto';
import type { FauxMessage, FauxQueue, FauxStore } from './fauxqs.ts';
import { SqsError } from './sqs-error.ts';

/** Makes each queue of the store remember where a dead letter came from, and count its receives right. */
export function rememberDeadLetterSources(store: FauxStore): void {
  const createQueue = store.createQueue.bind(store);
  store.createQueue = (...args) => {
    const queue = createQueue(...args);
    const dequeue = queue.dequeue.bind(queue);
    queue.dequeue = (count, visibilitySeconds, resolve) =>
      dequeue(count, visibilitySeconds, resolve && ((arn) => bury(queue, resolve(arn) as FauxQueue | undefined)));
    return queue;
  };
}

function bury(source: FauxQueue, deadLetterQueue: FauxQueue | undefined) {
  if (!deadLetterQueue) return undefined;
  return {
    enqueue(message: FauxMessage) {
      // fauxqs counts the receive that was refused; SQS does not.
      message.approximateReceiveCount -= 1;
      message.deadLetterSourceArn = source.arn;
      deadLetterQueue.enqueue(message);
    },
  };
}

/** The queues whose redrive policy names `queue`. */
function sourcesOf(store: FauxStore, queue: FauxQueue): FauxQueue[] {
  return [...store.allQueues()].filter((source) => deadLetterTargetOf(source.attributes.RedrivePolicy) === queue.arn);
}

export function deadLetterTargetOf(redrivePolicy: string | undefined): string | undefined {
  return redrivePolicy ? JSON.parse(redrivePolicy).deadLetterTargetArn : undefined;
}

type MoveTask = {
  readonly TaskHandle: string;
  readonly Status: 'COMPLETED';
  readonly SourceArn: string;
  readonly DestinationArn?: string;
  readonly ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
  readonly StartedTimestamp: number;
};

/** The actions of redriving. A task is done by the time it is started: local queues are short. */
export function deadLetterActions(store: FauxStore) {
  const tasks: MoveTask[] = [];
  return {
    ListDeadLetterSourceQueues({ QueueUrl }: { QueueUrl: string }) {
      const queue = store.getQueue(QueueUrl);
      if (!queue) throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
      return { queueUrls: sourcesOf(store, queue).map(({ url }) => url) };
    },
    StartMessageMoveTask(body: { SourceArn: string; DestinationArn?: string }) {
      const task = move(store, body);
      tasks.unshift(task);
      return { TaskHandle: task.TaskHandle };
    },
    ListMessageMoveTasks({ SourceArn, MaxResults = 1 }: { SourceArn: string; MaxResults?: number }) {
      const found = tasks.filter((task) => task.SourceArn === SourceArn).slice(0, MaxResults);
      // SQS gives the handle of running tasks only.
      return { Results: found.map(({ TaskHandle: _, ...task }) => task) };
    },
    CancelMessageMoveTask() {
      throw new SqsError('ResourceNotFoundException', 'Task does not exist or is not running.');
    },
  };
}

function move(store: FauxStore, { SourceArn, DestinationArn }: { SourceArn: string; DestinationArn?: string }) {
  const source = byArn(store, SourceArn);
  const origins = sourcesOf(store, source);
  if (origins.length === 0) {
    throw new SqsError('InvalidParameterValue', 'Source queue must be configured as a Dead Letter Queue.');
  }
  const moved = source.inspectMessages().ready;
  source.messages = [];
  source.fifoMessages.clear();
  for (const message of moved) {
    source.persistence?.deleteMessage(message.messageId);
    const origin = message.deadLetterSourceArn && store.getQueueByArn(message.deadLetterSourceArn);
    const destination = DestinationArn ? byArn(store, DestinationArn) : origin || origins[0];
    destination?.enqueue(asNew(message));
  }
  const taskId = JSON.stringify({ taskId: randomUUID(), sourceArn: SourceArn });
  return {
    TaskHandle: Buffer.from(taskId).toString('base64'),
    Status: 'COMPLETED' as const,
    SourceArn,
    DestinationArn,
    ApproximateNumberOfMessagesMoved: moved.length,
    ApproximateNumberOfMessagesToMove: moved.length,
    StartedTimestamp: Date.now(),
  };
}

function asNew(message: FauxMessage): FauxMessage {
  const { deadLetterSourceArn: _, approximateFirstReceiveTimestamp: __, ...kept } = message;
  return { ...kept, messageId: randomUUID(), approximateReceiveCount: 0, sentTimestamp: Date.now() };
}

function byArn(store: FauxStore, arn: string): FauxQueue {
  const queue = store.getQueueByArn(arn);
  if (queue) return queue;
  throw new SqsError(
    'ResourceNotFoundException',
    `The resource that you specified for the ARN ${arn} parameter does not exist.`,
  );
}
