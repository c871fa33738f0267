import type { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type DlqMonitorVariables, SERVICE } from '../../lambdas/dlq-monitor/env.ts';
import { dashboardUrl } from './dashboard-url.ts';
import { ScheduledFunction, type ScheduledFunctionProps } from './scheduled-function.ts';
import { type SecretParameter, ssmParameterArn } from './secret-parameter.ts';

export interface DlqMonitorProps
  extends Pick<ScheduledFunctionProps, 'stage' | 'reservedConcurrency' | 'logRetention' | 'failedEvents'> {
  readonly deadLetterQueue: IQueue;
  readonly supabaseUrl: string;
  readonly serviceKey: SecretParameter;
  readonly slackWebhook: SecretParameter;
  /** Dead letters from which Slack hears of them. */
  readonly threshold: number;
  readonly period: Duration;
  readonly timeout: Duration;
  readonly runbookUrl?: string;
}

/** Tells Slack of dead letters. It reads the dead-letter queue and can delete nothing from it. */
export class DlqMonitor extends ScheduledFunction {
  constructor(scope: Construct, id: string, props: DlqMonitorProps) {
    const stateName = `/queuekeeper/${props.stage}/dlq-alert-state`;
    const environment: DlqMonitorVariables = {
      STAGE: props.stage,
      SUPABASE_URL: props.supabaseUrl,
      SUPABASE_SERVICE_KEY_PARAMETER: props.serviceKey.name,
      SLACK_WEBHOOK_URL_PARAMETER: props.slackWebhook.name,
      SQS_DLQ_URL: props.deadLetterQueue.queueUrl,
      DLQ_ALERT_THRESHOLD: String(props.threshold),
      ALERT_STATE_NAME: stateName,
      RUNBOOK_URL: props.runbookUrl ? `${props.runbookUrl}#dead-letters` : '',
      DASHBOARD_URL: dashboardUrl(scope, props.stage),
    };
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Tells Slack of dead letters, and records them before they expire',
      environment,
    });
    // By hand: grantConsumeMessages would let it delete, and a dead letter must never be consumed by watching it.
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: [
          'sqs:GetQueueAttributes',
          'sqs:ReceiveMessage',
          'sqs:ChangeMessageVisibility',
          'sqs:ListMessageMoveTasks',
        ],
        resources: [props.deadLetterQueue.queueArn],
      }),
    );
    this.allowReading(props.serviceKey.arn, props.slackWebhook.arn);
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['ssm:GetParameter', 'ssm:PutParameter', 'ssm:DeleteParameter'],
        resources: [ssmParameterArn(this, stateName), ssmParameterArn(this, `${stateName}-lock`)],
      }),
    );
  }
}
