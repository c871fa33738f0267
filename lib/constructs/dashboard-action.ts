import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type DashboardActionVariables, SERVICE } from '../../lambdas/dashboard-action/env.ts';
import { type DashboardFunctionProps, dashboardVariables } from './dashboard-widget.ts';
import { LambdaFunction } from './lambda-function.ts';

export interface DashboardActionProps extends DashboardFunctionProps {
  /** Where redriven messages go. */
  readonly queue: IQueue;
}

/**
 * Does what the buttons of the dashboard ask for. Apart from the function that reads, so that those who may look need
 * not be those who may act.
 */
export class DashboardAction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: DashboardActionProps) {
    const environment: DashboardActionVariables = dashboardVariables(props);
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Does what the buttons of the dashboard ask for: recover a stale job, redrive dead letters',
      environment,
      memorySize: 512, // someone waits for it
      timeout: Duration.seconds(20),
    });
    // SQS moves the messages itself, with the rights of the one who asked.
    // Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: [
          'sqs:StartMessageMoveTask',
          'sqs:CancelMessageMoveTask',
          'sqs:ListMessageMoveTasks',
          'sqs:ReceiveMessage',
          'sqs:DeleteMessage',
          'sqs:GetQueueAttributes',
        ],
        resources: [props.deadLetterQueue.queueArn],
      }),
    );
    this.allowSending(props.queue);
    this.allowReading(props.serviceKey.arn);
  }
}
