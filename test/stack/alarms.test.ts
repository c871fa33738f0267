import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { alarmMessage } from '../../lambdas/alarm-notifier/message.ts';
import { QueuekeeperStack } from '../../lib/queuekeeper-stack.ts';
import { readSettings } from '../../lib/settings.ts';

const REQUIRED = { AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://acme.supabase.co' };
const RUNBOOK = 'https://example.com/docs/runbook.md';

function synthesize(different: Record<string, string> = {}): Template {
  const settings = readSettings({ ...REQUIRED, ...different });
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  return Template.fromStack(new QueuekeeperStack(app, 'Queuekeeper', { settings, env: { region: 'us-east-1' } }));
}

type Statement = {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Principal?: { Service?: string };
  Condition?: object;
};
type Policy = { PolicyDocument: { Statement: Statement[] }; Roles: { Ref: string }[]; KeyPolicy: never };

const template = synthesize({ RUNBOOK_URL: RUNBOOK, ALARM_EMAILS: 'ops@example.com, boss@example.com' });
const plain = synthesize();
const propertiesOf = <T>(type: string, from = template) =>
  Object.entries(from.findResources(type)).map(([id, { Properties }]) => ({ id, ...(Properties as T) }));
const listOf = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

type Alarm = {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions?: object[];
  OKActions?: object[];
  ActionsEnabled?: boolean;
  TreatMissingData: string;
};
const alarms = propertiesOf<Alarm>('AWS::CloudWatch::Alarm').map((alarm) => ({
  ...alarm,
  entry: alarm.AlarmName.replace('queuekeeper-prod-', ''),
}));
const topics = propertiesOf<{ KmsMasterKeyId: { 'Fn::GetAtt': [string, string] } }>('AWS::SNS::Topic');
const [topic] = topics;

/** Why each reads missing data as it does is said beside the alarm. */
const MISSING_DATA: Record<string, string> = {
  'stale-jobs': 'ignore',
  'outage-breaker-open': 'ignore',
  'dispatch-failures': 'ignore',
  'stale-job-monitor-missed-runs': 'breaching',
  'stale-job-monitor-uptime': 'breaching',
  'stale-job-monitor-errors': 'notBreaching',
  'dead-letters': 'notBreaching',
  'dead-letter-near-expiry': 'notBreaching',
  'dlq-monitor-missed-runs': 'breaching',
  'dlq-monitor-uptime': 'breaching',
  'dlq-monitor-errors': 'notBreaching',
  'alert-delivery-failed': 'ignore',
  'alarm-delivery-failed': 'notBreaching',
  'alarm-notifier-errors': 'notBreaching',
};

describe('the alarms', () => {
  test('are those of the two monitors and of the way by which alerts reach people', () => {
    expect(alarms.map(({ entry }) => entry)).toEqual(expect.arrayContaining(Object.keys(MISSING_DATA)));
  });

  test.each(alarms)(
    '$entry reaches people when it goes off and when it ends',
    ({ AlarmActions, OKActions, ...alarm }) => {
      expect(AlarmActions).toEqual([{ Ref: topic?.id }]);
      expect(OKActions).toEqual([{ Ref: topic?.id }]);
      expect(alarm.ActionsEnabled ?? true).toBe(true);
    },
  );

  test.each(alarms.filter(({ entry }) => entry in MISSING_DATA))(
    '$entry reads missing data as it must',
    ({ entry, TreatMissingData }) => {
      expect(TreatMissingData).toBe(MISSING_DATA[entry]);
    },
  );

  test.each(alarms)('$entry says what is wrong and where to read on, in a text that CloudWatch takes', (alarm) => {
    const lines = alarm.AlarmDescription.split('\n');
    expect(lines).toEqual([expect.stringMatching(/^[A-Z].{20,}\.$/), `Runbook: ${RUNBOOK}#${alarm.entry}`]);
    expect(alarm.AlarmDescription.length).toBeLessThanOrEqual(1_024);
  });

  test.each(alarms)('$entry has its entry in the runbook', ({ entry }) => {
    const headings = readFileSync('docs/runbook.md', 'utf8').match(/^## .+$/gm) ?? [];
    const slugs = headings.map((heading) =>
      heading
        .slice(3)
        .trim()
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(slugs).toContain(entry);
  });

  test.each(alarms)('$entry becomes a Slack message with its words and a link to its entry', (alarm) => {
    const change = { AlarmName: alarm.AlarmName, NewStateValue: 'ALARM', AlarmDescription: alarm.AlarmDescription };
    const message = JSON.stringify(alarmMessage({ message: JSON.stringify(change) }));
    const [meaning = ''] = alarm.AlarmDescription.split('\n');
    expect(message).toContain(meaning.replaceAll('&', '&amp;').replaceAll('>', '&gt;'));
    expect(message).toContain(`<${RUNBOOK}#${alarm.entry}|`);
    expect(message).not.toContain('Runbook: ');
  });

  test('without RUNBOOK_URL name the file of the runbook', () => {
    const [alarm] = propertiesOf<Alarm>('AWS::CloudWatch::Alarm', plain);
    expect(alarm?.AlarmDescription).toMatch(/\nRunbook: docs\/runbook\.md#[a-z-]+$/);
  });

  test('on dead letters watches the metric of SQS itself, so that it works when the function does not', () => {
    expect(alarms.find(({ entry }) => entry === 'dead-letters')).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Period: 60,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });
});

describe('the topic of the alarms', () => {
  const [key] = propertiesOf<{ EnableKeyRotation: boolean; KeyPolicy: { Statement: Statement[] } }>('AWS::KMS::Key');

  test('is one, and encrypted with a key of ours that rotates', () => {
    expect(topics).toHaveLength(1);
    expect(topic?.KmsMasterKeyId['Fn::GetAtt']).toEqual([key?.id, 'Arn']);
    expect(key?.EnableKeyRotation).toBe(true);
  });

  test('may be read and written through its key by CloudWatch: without that alarms are lost without a trace', () => {
    const granted = (key?.KeyPolicy.Statement ?? [])
      .filter(({ Principal }) => Principal?.Service === 'cloudwatch.amazonaws.com')
      .filter(({ Effect }) => Effect === 'Allow');
    expect(granted.flatMap(({ Action }) => listOf(Action)).sort()).toEqual(['kms:Decrypt', 'kms:GenerateDataKey*']);
    // A condition that CloudWatch does not meet would lose them as well.
    for (const { Condition } of granted) expect(Condition).toBeUndefined();
  });

  test('takes messages from CloudWatch in this account, and from nobody without TLS', () => {
    const [policy] = propertiesOf<Policy>('AWS::SNS::TopicPolicy');
    const statements = policy?.PolicyDocument.Statement ?? [];
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        Resource: { Ref: topic?.id },
      }),
    );
    expect(statements).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
  });

  test('reaches the alarm-notifier, and each address in ALARM_EMAILS by a way without our code', () => {
    const subscriptions = propertiesOf<{ Protocol: string; Endpoint: unknown }>('AWS::SNS::Subscription');
    const emails = subscriptions.filter(({ Protocol }) => Protocol === 'email').map(({ Endpoint }) => Endpoint);
    expect(emails).toEqual(['ops@example.com', 'boss@example.com']);
    expect(subscriptions.filter(({ Protocol }) => Protocol === 'lambda')).toHaveLength(1);
  });

  test('without ALARM_EMAILS reaches the alarm-notifier alone', () => {
    const subscriptions = propertiesOf<{ Protocol: string }>('AWS::SNS::Subscription', plain);
    expect(subscriptions.map(({ Protocol }) => Protocol)).toEqual(['lambda']);
  });
});

/** Both ways to have queues: ours, and those that are there already. */
describe.each([
  ['a created', {}],
  [
    'an existing',
    {
      SQS_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs',
      SQS_DLQ_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters',
    },
  ],
])('%s dead-letter queue', (_which, settings) => {
  const stack = synthesize(settings);
  const isDeadLetterQueue = (resource: unknown) => /DeadLetterQueue|:dead-letters/.test(JSON.stringify(resource));
  const [role] = propertiesOf<object>('AWS::IAM::Role', stack).filter(({ id }) => id.startsWith('DlqMonitor'));
  const statements = propertiesOf<Policy>('AWS::IAM::Policy', stack)
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role?.id))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

  test('gives the dlq-monitor what looking takes, and nothing more', () => {
    const actions = statements.filter(({ Resource }) => isDeadLetterQueue(Resource)).flatMap(({ Action }) => Action);
    expect(actions.sort()).toEqual([
      'sqs:ChangeMessageVisibility',
      'sqs:GetQueueAttributes',
      'sqs:ListMessageMoveTasks',
      'sqs:ReceiveMessage',
    ]);
  });

  test('cannot lose a message to the dlq-monitor: it may delete, purge and move nothing, anywhere', () => {
    const actions = statements.flatMap(({ Action }) => Action).filter((action) => action.startsWith('sqs:'));
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).not.toMatch(/\*|Delete|Purge|Start|Cancel|Set/i);
    for (const { Effect, Resource } of statements) expect([Effect, Resource]).not.toEqual(['Allow', '*']);
  });

  test('is told of from a state and a lock, the only parameters that the dlq-monitor may write', () => {
    const writes = statements.filter(({ Action }) => listOf(Action).some((action) => /^ssm:(Put|Delete)/.test(action)));
    expect(writes).toHaveLength(1);
    const names = JSON.stringify(writes[0]?.Resource);
    expect(names).toContain('/dlq-alert-state"');
    expect(names).toContain('/dlq-alert-state-lock"');
    expect(listOf(writes[0]?.Resource)).toHaveLength(2);
  });

  test('feeds no function: an event source mapping would delete what it handles', () => {
    stack.resourceCountIs('AWS::Lambda::EventSourceMapping', 0);
  });

  test('has no redrive policy of its own: looking at a message counts as receiving it', () => {
    for (const { id, ...queue } of propertiesOf<{ RedrivePolicy?: unknown }>('AWS::SQS::Queue', stack)) {
      if (isDeadLetterQueue(id)) expect(queue).not.toHaveProperty('RedrivePolicy');
    }
  });

  test('is looked at every 5 minutes by default, and a failed run is not tried again but by the next', () => {
    const [rule] = propertiesOf<{ ScheduleExpression: string; Targets: { RetryPolicy: object }[] }>(
      'AWS::Events::Rule',
      stack,
    ).filter(({ id }) => id.startsWith('DlqMonitor'));
    expect(rule).toMatchObject({
      ScheduleExpression: 'rate(5 minutes)',
      Targets: [{ RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
  });
});

test('a created dead-letter queue keeps messages longer than its source, for 14 days, and outlives the stack', () => {
  const queues = Object.entries(plain.findResources('AWS::SQS::Queue'));
  const [, dead] = queues.find(([id]) => id.includes('DeadLetterQueue')) ?? [];
  expect(dead).toMatchObject({ DeletionPolicy: 'Retain', Properties: { MessageRetentionPeriod: 14 * 86_400 } });
});

test('no webhook, key or alert text is in the template', () => {
  const text = JSON.stringify(template.toJSON());
  for (const secret of ['hooks.slack.com', 'sb_secret_', 'SLACK_WEBHOOK_URL"']) expect(text).not.toContain(secret);
});
