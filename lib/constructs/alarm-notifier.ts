import { Duration, Validations } from 'aws-cdk-lib';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { type AlarmNotifierVariables, SERVICE } from '../../lambdas/alarm-notifier/env.ts';
import type { AlarmTopic } from './alarm-topic.ts';
import { LambdaFunction, type LambdaFunctionProps } from './lambda-function.ts';
import type { SecretParameter } from './secret-parameter.ts';

export interface AlarmNotifierProps extends Pick<LambdaFunctionProps, 'stage' | 'logRetention' | 'failedEvents'> {
  readonly alarms: AlarmTopic;
  readonly slackWebhook: SecretParameter;
}

/** Turns each change of an alarm's state into a Slack message. */
export class AlarmNotifier extends LambdaFunction {
  constructor(scope: Construct, id: string, props: AlarmNotifierProps) {
    const environment: AlarmNotifierVariables = {
      STAGE: props.stage,
      SLACK_WEBHOOK_URL_PARAMETER: props.slackWebhook.name,
    };
    super(scope, id, {
      ...props,
      name: SERVICE,
      description: 'Tells Slack of each alarm that goes off or ends',
      environment,
      timeout: Duration.seconds(60),
      // Nothing else will say it again: Lambda tries after one minute and after two more.
      retryAttempts: 2,
    });
    this.allowReading(props.slackWebhook.arn);
    const subscription = props.alarms.topic.addSubscription(new LambdaSubscription(this.alias));
    Validations.of(subscription).acknowledge({
      id: 'CloudFormation-Validate::W3694',
      reason: 'A subscription may name an alias: SNS calls whatever its ARN says.',
    });
  }
}
