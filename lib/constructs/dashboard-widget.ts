import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type DashboardWidgetVariables, SERVICE } from '../../lambdas/dashboard-widget/env.ts';
import type { dashboardEnvironment } from '../../lambdas/shared/dashboard-env.ts';
import type { Variables } from '../../lambdas/shared/environment.ts';
import { LambdaFunction, type LambdaFunctionProps } from './lambda-function.ts';
import type { SecretParameter } from './secret-parameter.ts';

export interface DashboardFunctionProps extends Pick<LambdaFunctionProps, 'stage' | 'logRetention' | 'failedEvents'> {
  readonly supabaseUrl: string;
  readonly serviceKey: SecretParameter;
  readonly deadLetterQueue: IQueue;
  readonly staleThreshold: Duration;
  /** The stale-job-monitor's period. */
  readonly staleCheckPeriod: Duration;
}

export interface DashboardWidgetProps extends DashboardFunctionProps {
  readonly rateLimit: { readonly requests: number; readonly window: Duration };
  /** What the buttons call that change something. */
  readonly action: LambdaFunction;
  readonly runbookUrl?: string;
}

/** The variables that both functions have. */
export function dashboardVariables(props: DashboardFunctionProps): Variables<typeof dashboardEnvironment> {
  return {
    STAGE: props.stage,
    SUPABASE_URL: props.supabaseUrl,
    SUPABASE_SERVICE_KEY_PARAMETER: props.serviceKey.name,
    SQS_DLQ_URL: props.deadLetterQueue.queueUrl,
    STALE_THRESHOLD_MINUTES: String(props.staleThreshold.toMinutes()),
    STALE_CHECK_MINUTES: String(props.staleCheckPeriod.toMinutes()),
  };
}

/** Draws the tables of the dashboard. It may read its key and count dead letters, and change nothing in AWS. */
export class DashboardWidget extends LambdaFunction {
  constructor(scope: Construct, id: string, props: DashboardWidgetProps) {
    const environment: DashboardWidgetVariables = {
      ...dashboardVariables(props),
      RATE_LIMIT_REQUESTS: String(props.rateLimit.requests),
      RATE_LIMIT_WINDOW_MS: String(props.rateLimit.window.toMilliseconds()),
      ACTION_FUNCTION_ARN: props.action.alias.functionArn,
      RUNBOOK_URL: props.runbookUrl ?? '',
    };
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Draws the tables of the dashboard; changes nothing',
      environment,
      memorySize: 512, // someone waits for it
      timeout: Duration.seconds(15),
    });
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['sqs:GetQueueAttributes', 'sqs:ListMessageMoveTasks'],
        resources: [props.deadLetterQueue.queueArn],
      }),
    );
    this.allowReading(props.serviceKey.arn);
  }
}
