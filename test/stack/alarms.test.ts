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
  Namespace?: string;
  MetricName?: string;
  Period?: number;
  Dimensions?: { Name: string; Value: unknown }[];
  Metrics?: {
    Expression?: string;
    MetricStat?: { Metric: { MetricName: string; Dimensions: { Value: unknown }[] } };
  }[];
};
type Composite = Alarm & {
  AlarmRule: object;
  ActionsSuppressor?: { 'Fn::GetAtt': [string, string] };
  ActionsSuppressorWaitPeriod?: number;
  ActionsSuppressorExtensionPeriod?: number;
};
/** With the entry of the runbook to which its description leads. */
const alarmsOf = <T extends Alarm>(type: string, from = template) =>
  propertiesOf<T>(`AWS::CloudWatch::${type}`, from).map((alarm) => ({
    ...alarm,
    entry: alarm.AlarmDescription.replace(/^[^#]*#/s, ''),
  }));
const alarms = alarmsOf<Alarm>('Alarm');
const composites = alarmsOf<Composite>('CompositeAlarm');
const tellsPeople = ({ AlarmActions = [] }: Alarm) => AlarmActions.length > 0;
const silent = alarms.filter((alarm) => !tellsPeople(alarm));
const toldBy = (alarmId: string) =>
  composites.filter(({ AlarmRule }) => JSON.stringify(AlarmRule).includes(`"${alarmId}"`));
const named = (entry: string) => alarms.filter((alarm) => alarm.AlarmName === `queuekeeper-prod-${entry}`);
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
  'rate-limited-share': 'notBreaching',
  'rate-limit-unavailable': 'notBreaching',
  'health-not-healthy': 'ignore',
  'api-server-errors': 'notBreaching',
  'api-latency': 'notBreaching',
  'health-errors': 'notBreaching',
  'queue-status-errors': 'notBreaching',
  'rate-limit-cleanup-errors': 'notBreaching',
  'function-throttles': 'notBreaching',
  'dashboard-errors': 'notBreaching',
  // Nothing unknown may keep other alarms silent.
  'database-down': 'notBreaching',
};

describe('the alarms', () => {
  test('are those of the two monitors, the API, every function, and the way by which alerts reach people', () => {
    expect(new Set(alarms.map(({ entry }) => entry))).toEqual(new Set(Object.keys(MISSING_DATA)));
  });

  test.each([...alarms.filter(tellsPeople), ...composites])(
    '$AlarmName reaches people when it goes off and when it ends',
    ({ AlarmActions, OKActions, ...alarm }) => {
      expect(AlarmActions).toEqual([{ Ref: topic?.id }]);
      expect(OKActions).toEqual([{ Ref: topic?.id }]);
      expect(alarm.ActionsEnabled ?? true).toBe(true);
    },
  );

  test.each(silent)('$AlarmName tells nobody, and is told by one that does, in the same words', (alarm) => {
    expect(alarm).not.toHaveProperty('OKActions');
    expect(toldBy(alarm.id)).toEqual([expect.objectContaining({ AlarmDescription: alarm.AlarmDescription })]);
  });

  test.each(alarms)('$AlarmName reads missing data as it must', ({ entry, TreatMissingData }) => {
    expect(TreatMissingData).toBe(MISSING_DATA[entry]);
  });

  test.each([...alarms, ...composites])('$AlarmName says what is wrong and where to read on', (alarm) => {
    const lines = alarm.AlarmDescription.split('\n');
    expect(lines).toEqual([expect.stringMatching(/^[A-Z].{20,}\.$/), `Runbook: ${RUNBOOK}#${alarm.entry}`]);
    expect(alarm.AlarmDescription.length).toBeLessThanOrEqual(1_024);
    expect(alarm.AlarmName).toMatch(new RegExp(`^queuekeeper-prod-([a-z-]+-)?${alarm.entry}$`));
  });

  test('have each an entry in the runbook, and the runbook has no other', () => {
    const headings = readFileSync('docs/runbook.md', 'utf8').match(/^## .+$/gm) ?? [];
    const slugs = headings.map((heading) =>
      heading
        .slice(3)
        .trim()
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    expect(slugs.sort()).toEqual([...new Set(alarms.map(({ entry }) => entry))].sort());
  });

  test.each([...alarms, ...composites])('$AlarmName becomes a Slack message with its words and a link', (alarm) => {
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

describe('every function', () => {
  const functions = propertiesOf<{ FunctionName: string }>('AWS::Lambda::Function').map(({ id, FunctionName }) => ({
    id,
    name: FunctionName.replace('queuekeeper-prod-', ''),
  }));

  test.each(functions)('$name has an alarm on its errors', ({ id }) => {
    const ofErrors = alarms.filter((alarm) => {
      const metrics = [alarm, ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
      return metrics.some(
        ({ MetricName, Dimensions = [] }) =>
          MetricName === 'Errors' && Dimensions.some(({ Value }) => JSON.stringify(Value) === `{"Ref":"${id}"}`),
      );
    });
    expect(ofErrors).toHaveLength(1);
    expect(ofErrors[0]?.TreatMissingData).toBe('notBreaching');
  });

  test('is among those whose throttles are told of, in an alarm of no more metrics than CloudWatch takes', () => {
    const [{ Metrics = [] } = {} as Alarm] = named('function-throttles');
    const watched = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
    expect(new Set(watched.map(({ MetricName }) => MetricName))).toEqual(new Set(['Throttles']));
    expect(watched.map(({ Dimensions }) => Dimensions?.[0]?.Value)).toEqual(
      expect.arrayContaining(functions.map(({ id }) => ({ Ref: id }))),
    );
    expect(Metrics.length).toBeLessThanOrEqual(10);
  });
});

describe('the alarms of the API', () => {
  test.each([
    ['api-server-errors', '5XXError', { Statistic: 'Sum', Threshold: 5, EvaluationPeriods: 1 }],
    ['api-latency', 'Latency', { ExtendedStatistic: 'p99', Threshold: 3_000, EvaluationPeriods: 3 }],
  ])('%s is on the metric %s of this API and stage', (entry, MetricName, condition) => {
    const [stage] = propertiesOf('AWS::ApiGateway::Stage');
    expect(named(entry)).toEqual([
      expect.objectContaining({
        Namespace: 'AWS/ApiGateway',
        MetricName,
        Dimensions: [
          { Name: 'ApiName', Value: 'queuekeeper-prod' },
          { Name: 'Stage', Value: { Ref: stage?.id } },
        ],
        Period: 300,
        ...condition,
      }),
    ]);
  });

  test('tell of more than 5 % of refused requests, of at least 20 of both functions', () => {
    const [alarm] = named('rate-limited-share');
    expect(alarm).toMatchObject({ Threshold: 5, ComparisonOperator: 'GreaterThanThreshold' });
    expect(alarm?.Metrics?.flatMap(({ Expression }) => Expression ?? [])).toEqual([
      'IF(requests >= 20, 100 * limited / requests, 0)',
      'SUM([FILL(healthRequests, 0), FILL(queueRequests, 0)])',
      'SUM([FILL(healthRateLimited, 0), FILL(queueRateLimited, 0)])',
    ]);
  });

  test('tell of a bad health when most answers were bad', () => {
    const [alarm] = named('health-not-healthy');
    expect(alarm).toMatchObject({ Threshold: 50, ComparisonOperator: 'GreaterThanThreshold' });
    expect(alarm?.Metrics?.[0]?.Expression).toBe('100 * (unhealthy + degraded)');
  });
});

describe('an outage of the database', () => {
  const [cause] = composites.filter(({ AlarmName }) => AlarmName === 'queuekeeper-prod-database-down');
  const suppressed = composites.filter(({ ActionsSuppressor }) => ActionsSuppressor);

  test('is one message: every alarm that follows from it stays silent', () => {
    expect(suppressed.map(({ entry }) => entry).sort()).toEqual([
      'api-latency',
      'api-server-errors',
      'dlq-monitor-errors',
      'dlq-monitor-missed-runs',
      'dlq-monitor-uptime',
      'health-not-healthy',
      'rate-limit-cleanup-errors',
      'rate-limit-unavailable',
      'stale-job-monitor-errors',
      'stale-job-monitor-missed-runs',
      'stale-job-monitor-uptime',
    ]);
    for (const { ActionsSuppressor } of suppressed)
      expect(ActionsSuppressor?.['Fn::GetAtt']).toEqual([cause?.id, 'Arn']);
    expect(cause).not.toHaveProperty('ActionsSuppressor');
  });

  test('is said by the monitor that asks all the time, or by health', () => {
    const signs = alarms.filter(({ id }) => JSON.stringify(cause?.AlarmRule).includes(`"${id}"`));
    expect(signs.map(({ AlarmName, MetricName }) => [AlarmName, MetricName])).toEqual([
      ['queuekeeper-prod-monitor-says-database-down', 'DatabaseUnavailable'],
      ['queuekeeper-prod-health-says-database-down', 'Unhealthy'],
    ]);
    expect(JSON.stringify(cause?.AlarmRule)).toContain(' OR ');
  });

  test.each([
    ['2', '5'],
    ['60', '5'],
    ['1', '60'],
  ])('has time to show and to end before the rest speaks (%s and %s minutes)', (stale, dlq) => {
    const changed = synthesize({ STALE_CHECK_MINUTES: stale, DLQ_CHECK_MINUTES: dlq });
    const silenced = alarmsOf<Composite>('CompositeAlarm', changed).filter(
      ({ ActionsSuppressor }) => ActionsSuppressor,
    );
    expect(silenced).toHaveLength(suppressed.length);
    const longest = Math.max(Number(stale), Number(dlq));
    for (const alarm of silenced) {
      expect(alarm.ActionsSuppressorWaitPeriod).toBe((Number(stale) + 4) * 60);
      const rest = alarm.entry.endsWith('-uptime') ? 86_400 : 0;
      expect(alarm.ActionsSuppressorExtensionPeriod).toBe((longest + 10) * 60 + rest);
    }
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
