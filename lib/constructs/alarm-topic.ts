import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Alarm, type AlarmProps } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

export interface AlarmTopicProps {
  readonly stage: string;
  /** Addresses that get every alarm; the path that shares no code with Slack. @default none */
  readonly emails?: string[];
  /** Where the entries of docs/runbook.md are published. @default the file's name */
  readonly runbookUrl?: string;
}

export interface WatchProps extends Omit<AlarmProps, 'alarmName' | 'alarmDescription' | 'actionsEnabled'> {
  /** What is wrong, in words for someone who has never seen this system. */
  readonly meaning: string;
  /** The heading in docs/runbook.md, and the end of the alarm's name. */
  readonly runbookEntry: string;
  /** How missing data reads differs from alarm to alarm, so that there is no default. */
  readonly treatMissingData: NonNullable<AlarmProps['treatMissingData']>;
}

/** Where every alarm of the stack goes, in both directions: an OK is what tells a mended fault from a muted alarm. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;
  private readonly props: AlarmTopicProps;
  private readonly action: SnsAction;

  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id);
    this.props = props;
    // CloudWatch cannot use the key that SNS would bring (alias/aws/sns): its alarms would be lost without a trace.
    const key = new Key(this, 'Key', {
      description: 'Encrypts alarms on their way to people; CloudWatch may use it',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        // Without a condition, as in AWS's own example: one that CloudWatch does not meet would lose every alarm.
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'], // in a key's own policy: this key
      }),
    );
    this.topic = new Topic(this, 'Topic', {
      topicName: `queuekeeper-${props.stage}-alarms`,
      displayName: 'Queuekeeper alarms',
      masterKey: key,
      enforceSSL: true,
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [
          new ServicePrincipal('cloudwatch.amazonaws.com', {
            conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
          }),
        ],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
      }),
    );
    for (const email of props.emails ?? []) this.topic.addSubscription(new EmailSubscription(email));
    this.action = new SnsAction(this.topic);
  }

  /** Makes an alarm that reaches people, with its words and its runbook entry. */
  watch(scope: Construct, id: string, { meaning, runbookEntry, ...alarmProps }: WatchProps): Alarm {
    const runbook = this.props.runbookUrl ?? 'docs/runbook.md';
    const alarm = new Alarm(scope, id, {
      ...alarmProps,
      alarmName: `queuekeeper-${this.props.stage}-${runbookEntry}`,
      alarmDescription: `${meaning}\nRunbook: ${runbook}#${runbookEntry}`,
    });
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
    return alarm;
  }
}
