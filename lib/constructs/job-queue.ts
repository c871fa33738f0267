import { Arn, ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** SQS keeps a message no longer; a dead letter should have all of it. */
const DEAD_LETTER_RETENTION = Duration.days(14);

export interface JobQueueProps {
  readonly stage: string;
  /** URLs of a queue and its dead-letter queue that exist already. @default both are created */
  readonly existing?: { readonly queueUrl: string; readonly deadLetterQueueUrl: string };
  /** Only for a created queue; shorter than the 14 days of its dead-letter queue. @default 4 days */
  readonly retention?: Duration;
  /** Longer than a worker needs from receiving a message to deleting it. @default 5 minutes */
  readonly visibilityTimeout?: Duration;
  /** Receives before a message is dead. @default 5 */
  readonly maxReceiveCount?: number;
}

/** The job queue and its dead-letter queue, created or imported. They outlive the stack. */
export class JobQueue extends Construct {
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;

  constructor(scope: Construct, id: string, props: JobQueueProps) {
    super(scope, id);
    if (props.existing) {
      this.queue = importQueue(this, 'Queue', props.existing.queueUrl);
      this.deadLetterQueue = importQueue(this, 'DeadLetterQueue', props.existing.deadLetterQueueUrl);
    } else {
      const shared = {
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        removalPolicy: RemovalPolicy.RETAIN,
      };
      // It has no redrive policy of its own: looking at a message counts as receiving it.
      this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
        ...shared,
        queueName: `queuekeeper-${props.stage}-dead-letters`,
        retentionPeriod: DEAD_LETTER_RETENTION,
      });
      this.queue = new Queue(this, 'Queue', {
        ...shared,
        queueName: `queuekeeper-${props.stage}-jobs`,
        retentionPeriod: props.retention ?? Duration.days(4),
        visibilityTimeout: props.visibilityTimeout ?? Duration.minutes(5),
        deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: props.maxReceiveCount ?? 5 },
      });
    }
    new CfnOutput(this, 'QueueUrl', {
      value: this.queue.queueUrl,
      description: 'SQS_QUEUE_URL of producers and workers',
    });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: this.deadLetterQueue.queueUrl });
  }
}

/** https://sqs.REGION.amazonaws.com/ACCOUNT/NAME says all that an ARN says. */
function importQueue(scope: Construct, id: string, queueUrl: string): IQueue {
  const { hostname, pathname } = new URL(queueUrl);
  const [, account, resource] = pathname.split('/');
  const region = hostname.split('.')[1];
  const stackRegion = Stack.of(scope).region;
  if (region !== stackRegion) {
    throw new Error(`the queue ${queueUrl} is in ${region}, wanted it in the region of the stack, ${stackRegion}`);
  }
  const queueArn = Arn.format(
    { service: 'sqs', region, account, resource: resource ?? '', arnFormat: ArnFormat.NO_RESOURCE_NAME },
    Stack.of(scope),
  );
  return Queue.fromQueueAttributes(scope, id, { queueArn, queueUrl });
}
