import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmBase,
  type AlarmProps,
  AlarmRule,
  AlarmState,
  CompositeAlarm,
} from 'aws-cdk-lib/aws-cloudwatch';
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

export interface Words {
  /** What is wrong, in words for someone who has never seen this system. */
  readonly meaning: string;
  /** The heading in docs/runbook.md, and the end of the alarm's name. */
  readonly runbookEntry: string;
}

export interface WatchProps extends Words, Omit<AlarmProps, 'alarmName' | 'alarmDescription' | 'actionsEnabled'> {
  /** How missing data reads differs from alarm to alarm, so that there is no default. */
  readonly treatMissingData: NonNullable<AlarmProps['treatMissingData']>;
}

/** An alarm that tells nobody by itself, with the words for when it is told. */
export interface Symptom extends Words {
  readonly alarm: Alarm;
}

export interface TellUnlessProps {
  /** While this alarms, the symptom goes without saying. */
  readonly cause: CompositeAlarm;
  /** How long the cause may take to show after the symptom. The symptom is told so much later. */
  readonly wait: Duration;
  /** How long the symptom may outlast the cause. */
  readonly extension: Duration;
}

/** Where every alarm of the stack goes, in both directions: an OK is what tells a mended fault from a muted alarm. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;
  /** Those that reach people, in the order in which they were made. */
  readonly told: AlarmBase[] = [];
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
  watch(scope: Construct, id: string, props: WatchProps): Alarm {
    return this.reachPeople(this.create(scope, id, props));
  }

  /** Makes an alarm that tells nobody: it is for `tellAny` or `tellUnless`. */
  notice(scope: Construct, id: string, { meaning, runbookEntry, ...alarmProps }: WatchProps, role?: string): Symptom {
    const words = { meaning, runbookEntry };
    return { ...words, alarm: this.create(scope, id, { ...words, ...alarmProps }, role) };
  }

  /** Tells when any of these alarms does, in one message. */
  tellAny(scope: Construct, id: string, { alarms, ...words }: Words & { readonly alarms: Alarm[] }): CompositeAlarm {
    const alarmRule = AlarmRule.anyOf(...alarms.map((alarm) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM)));
    return this.reachPeople(new CompositeAlarm(scope, id, { ...this.composite(words), alarmRule }));
  }

  /** Tells of a symptom, but for the time in which its cause is told. CloudWatch can do this for composite alarms only. */
  tellUnless(scope: Construct, id: string, symptom: Symptom, { cause, wait, extension }: TellUnlessProps): void {
    const alarm = new CompositeAlarm(scope, id, {
      ...this.composite(symptom, 'alert'),
      alarmRule: AlarmRule.fromAlarm(symptom.alarm, AlarmState.ALARM),
      actionsSuppressor: cause,
      actionsSuppressorWaitPeriod: wait,
      actionsSuppressorExtensionPeriod: extension,
    });
    this.reachPeople(alarm);
  }

  private create(scope: Construct, id: string, { meaning, runbookEntry, ...alarmProps }: WatchProps, role?: string) {
    const { name: alarmName, description: alarmDescription } = this.describe({ meaning, runbookEntry }, role);
    return new Alarm(scope, id, { ...alarmProps, alarmName, alarmDescription });
  }

  private composite(words: Words, role?: string) {
    const { name: compositeAlarmName, description: alarmDescription } = this.describe(words, role);
    return { compositeAlarmName, alarmDescription };
  }

  /** @param role tells alarms with the same entry apart */
  private describe({ meaning, runbookEntry }: Words, role?: string) {
    const runbook = this.props.runbookUrl ?? 'docs/runbook.md';
    return {
      name: ['queuekeeper', this.props.stage, role, runbookEntry].filter(Boolean).join('-'),
      description: `${meaning}\nRunbook: ${runbook}#${runbookEntry}`,
    };
  }

  private reachPeople<T extends AlarmBase>(alarm: T): T {
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
    this.told.push(alarm);
    return alarm;
  }
}
