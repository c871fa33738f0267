import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type RateLimitCleanupVariables, SERVICE } from '../../lambdas/rate-limit-cleanup/env.ts';
import { ScheduledFunction, type ScheduledFunctionProps } from './scheduled-function.ts';
import type { SecretParameter } from './secret-parameter.ts';

export interface RateLimitCleanupProps
  extends Pick<ScheduledFunctionProps, 'stage' | 'reservedConcurrency' | 'logRetention' | 'failedEvents'> {
  readonly supabaseUrl: string;
  readonly serviceKey: SecretParameter;
  /** Records of requests older than this go. */
  readonly retention: Duration;
}

/** Deletes old records of requests every hour. It may read its key, and nothing else. */
export class RateLimitCleanup extends ScheduledFunction {
  constructor(scope: Construct, id: string, props: RateLimitCleanupProps) {
    const environment: RateLimitCleanupVariables = {
      STAGE: props.stage,
      SUPABASE_URL: props.supabaseUrl,
      SUPABASE_SERVICE_KEY_PARAMETER: props.serviceKey.name,
      RATE_LIMIT_RETENTION_HOURS: String(props.retention.toHours()),
    };
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Deletes old records of requests to the API',
      environment,
      period: Duration.hours(1),
      timeout: Duration.seconds(110),
    });
    this.allowReading(props.serviceKey.arn);
  }
}
