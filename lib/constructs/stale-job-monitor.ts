import type { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { StaleJobMonitorVariables } from '../../lambdas/stale-job-monitor/env.ts';
import { SERVICE } from '../../lambdas/stale-job-monitor/env.ts';
import { ScheduledFunction, type ScheduledFunctionProps } from './scheduled-function.ts';
import type { SecretParameter } from './secret-parameter.ts';

export interface StaleJobMonitorProps
  extends Pick<ScheduledFunctionProps, 'stage' | 'reservedConcurrency' | 'logRetention' | 'failedEvents'> {
  readonly queue: IQueue;
  readonly supabaseUrl: string;
  readonly serviceKey: SecretParameter;
  /** No sign of life for longer than this is stale. */
  readonly threshold: Duration;
  readonly period: Duration;
  readonly batchSize: number;
  readonly breaker: { readonly minRunning: number; readonly sharePercent: number; readonly canarySize: number };
  readonly timeout: Duration;
}

/** Puts jobs whose worker died back to work. It may send to the job queue and read its key, and nothing else. */
export class StaleJobMonitor extends ScheduledFunction {
  constructor(scope: Construct, id: string, props: StaleJobMonitorProps) {
    const environment: StaleJobMonitorVariables = {
      STAGE: props.stage,
      SUPABASE_URL: props.supabaseUrl,
      SUPABASE_SERVICE_KEY_PARAMETER: props.serviceKey.name,
      SQS_QUEUE_URL: props.queue.queueUrl,
      STALE_THRESHOLD_MINUTES: String(props.threshold.toMinutes()),
      RECOVERY_BATCH_SIZE: String(props.batchSize),
      BREAKER_MIN_RUNNING: String(props.breaker.minRunning),
      BREAKER_SHARE: String(props.breaker.sharePercent / 100),
      CANARY_SIZE: String(props.breaker.canarySize),
    };
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Recovers jobs whose worker died: back to pending, and their message sent again',
      environment,
    });
    this.allowSending(props.queue);
    this.allowReading(props.serviceKey.arn);
  }
}
