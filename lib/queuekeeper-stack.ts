import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { JobQueue } from './constructs/job-queue.ts';
import { secretNames, secretParameter } from './constructs/secret-parameter.ts';
import { StaleJobMonitor } from './constructs/stale-job-monitor.ts';
import type { Settings } from './settings.ts';

export interface QueuekeeperStackProps extends StackProps {
  readonly settings: Settings;
}

/** All of Queuekeeper. It composes; the constructs build. */
export class QueuekeeperStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: QueuekeeperStackProps) {
    super(scope, id, { description: 'Queuekeeper: keeps a Supabase + SQS job queue honest', ...props });
    const stage = settings.STAGE;
    const secrets = secretNames(stage);

    const jobs = new JobQueue(this, 'JobQueue', {
      stage,
      existing: existingQueues(settings),
      retention: Duration.days(settings.QUEUE_RETENTION_DAYS),
      visibilityTimeout: Duration.seconds(settings.QUEUE_VISIBILITY_SECONDS),
      maxReceiveCount: settings.QUEUE_MAX_RECEIVES,
    });

    /** Events that a function could not handle, kept to be looked at. */
    const failures = new Queue(this, 'FailedEvents', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(failures).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SQS3',
      reason: 'It is where events end that could not be handled; nothing reads it but a person.',
    });
    const shared = {
      stage,
      reservedConcurrency: settings.RESERVE_CONCURRENCY === 'yes' ? 1 : undefined,
      logRetention: settings.LOG_RETENTION_DAYS,
      failedEvents: failures,
    };

    new StaleJobMonitor(this, 'StaleJobMonitor', {
      ...shared,
      queue: jobs.queue,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey: secretParameter(this, secrets.serviceKey),
      threshold: Duration.minutes(settings.STALE_THRESHOLD_MINUTES),
      period: Duration.minutes(settings.STALE_CHECK_MINUTES),
      timeout: timeoutWithin(settings.STALE_CHECK_MINUTES),
      batchSize: settings.RECOVERY_BATCH_SIZE,
      breaker: {
        minRunning: settings.BREAKER_MIN_RUNNING,
        sharePercent: settings.BREAKER_SHARE_PERCENT,
        canarySize: settings.CANARY_SIZE,
      },
    });
  }
}

/** A run needs seconds; the rest is for a mass recovery. */
function timeoutWithin(periodMinutes: number): Duration {
  return Duration.seconds(Math.min(110, periodMinutes * 60 - 10));
}

function existingQueues({ SQS_QUEUE_URL: queueUrl, SQS_DLQ_URL: deadLetterQueueUrl }: Settings) {
  return queueUrl && deadLetterQueueUrl ? { queueUrl, deadLetterQueueUrl } : undefined;
}
