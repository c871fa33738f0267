import { describe, expect, it } from '@jest/globals';
import type { Assembly, Resource } from '../../local/assembly.ts';
import { jobQueueUrls, planSystem } from '../../local/template.ts';

const SQS = 'http://127.0.0.1:4566';

const aQueue = (Properties: object = {}): Resource => ({ Type: 'AWS::SQS::Queue', Properties: { ...Properties } });
const aFunction = (Properties: object = {}): Resource => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: 'queuekeeper-local-stale-job-monitor',
    Code: { S3Key: 'abc.zip' },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    ...Properties,
  },
});
const aRule = (Properties: object = {}): Resource => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    ScheduleExpression: 'rate(2 minutes)',
    State: 'ENABLED',
    Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': ['Monitor', 'Arn'] } }],
    ...Properties,
  },
});
const aTopic: Resource = { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } };
const aSubscription = (Properties: object = {}): Resource => ({
  Type: 'AWS::SNS::Subscription',
  Properties: {
    Protocol: 'lambda',
    TopicArn: { Ref: 'Topic' },
    Endpoint: { 'Fn::GetAtt': ['Notifier', 'Arn'] },
    ...Properties,
  },
});
const anAlarm = (Properties: object = {}): Resource => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: 'dead-letters',
    AlarmDescription: 'Messages failed.',
    AlarmActions: [{ Ref: 'Topic' }],
    Namespace: 'AWS/SQS',
    MetricName: 'Depth',
    Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['Dead', 'QueueName'] } }],
    Statistic: 'Maximum',
    Period: 60,
    EvaluationPeriods: 2,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
    ...Properties,
  },
});
const plan = (Resources: Record<string, Resource>) => planSystem(anAssembly(Resources), SQS);
const anAssembly = (Resources: Record<string, Resource>): Assembly => ({
  stackName: 'queuekeeper-local',
  template: { Resources, Parameters: { BootstrapVersion: { Default: '/cdk-bootstrap/version' } } },
  assets: { 'abc.zip': '/assembly/asset.abc' },
});

describe('the plan of a template', () => {
  it('has each queue with its own attributes, dead-letter queues first', () => {
    const redriven = aQueue({
      QueueName: 'jobs',
      VisibilityTimeout: 60,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] }, maxReceiveCount: 5 },
    });
    const { queues } = plan({ Jobs: redriven, Dead: aQueue({ QueueName: 'dead', SqsManagedSseEnabled: true }) });
    expect(queues).toEqual([
      { logicalId: 'Dead', name: 'dead', attributes: {} },
      {
        logicalId: 'Jobs',
        name: 'jobs',
        attributes: {
          VisibilityTimeout: '60',
          RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":5}',
        },
      },
    ]);
    expect(jobQueueUrls({ queues }, SQS)).toEqual({
      queueUrl: `${SQS}/000000000000/jobs`,
      dlqUrl: `${SQS}/000000000000/dead`,
    });
  });

  it('gives a function exactly the environment, bundle and limits of the template', () => {
    const Environment = { Variables: { SQS_QUEUE_URL: { Ref: 'Jobs' }, REGION: { Ref: 'AWS::Region' } } };
    const Monitor = aFunction({ Environment, Timeout: 60, MemorySize: 256, ReservedConcurrentExecutions: 1 });
    expect(plan({ Jobs: aQueue({ QueueName: 'jobs' }), Monitor }).functions).toEqual([
      {
        logicalId: 'Monitor',
        name: 'queuekeeper-local-stale-job-monitor',
        directory: '/assembly/asset.abc',
        handler: 'index.handler',
        environment: { SQS_QUEUE_URL: `${SQS}/000000000000/jobs`, REGION: 'us-east-1' },
        memoryMb: 256,
        timeoutMs: 60_000,
        concurrency: 1,
      },
    ]);
  });

  it('resolves each intrinsic that it knows', () => {
    const Variables = {
      joined: { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Partition' }]] },
      selected: { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] },
      substituted: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: these placeholders are CloudFormation's
        'Fn::Sub': ['${AWS::Region} ${Jobs} ${Jobs.QueueName} ${own} ${!kept}', { own: { Ref: 'AWS::URLSuffix' } }],
      },
      parameter: { Ref: 'BootstrapVersion' },
      ofInert: { 'Fn::GetAtt': 'Role.Arn' },
    };
    const Role = { Type: 'AWS::IAM::Role' };
    const { functions } = plan({
      Monitor: aFunction({ Environment: { Variables } }),
      Jobs: aQueue({ QueueName: 'jobs' }),
      Role,
    });
    expect(functions[0]?.environment).toEqual({
      joined: 'a-aws',
      selected: 'b',
      substituted: `us-east-1 ${SQS}/000000000000/jobs jobs amazonaws.com \${kept}`,
      parameter: '/cdk-bootstrap/version',
      ofInert: 'arn:aws:iam:us-east-1:000000000000:Role',
    });
  });

  it('has a schedule for each target of an enabled rule', () => {
    const { schedules } = plan({ Monitor: aFunction(), Rule: aRule(), Off: aRule({ State: 'DISABLED' }) });
    expect(schedules).toMatchObject([
      { logicalId: 'Rule', expression: 'rate(2 minutes)', functionName: 'queuekeeper-local-stale-job-monitor' },
    ]);
  });
});

describe('the plan of an alarm', () => {
  const others = {
    Topic: aTopic,
    Dead: aQueue({ QueueName: 'dead' }),
    Notifier: aFunction({ FunctionName: 'notifier' }),
  };
  const email = aSubscription({ Protocol: 'email', Endpoint: 'ops@example.com' });

  it('has its metric, its condition, and the functions at the end of its actions', () => {
    expect(plan({ ...others, Subscription: aSubscription(), Email: email, Alarm: anAlarm() }).alarms).toMatchObject([
      {
        name: 'dead-letters',
        description: 'Messages failed.',
        told: { ALARM: ['notifier'], OK: [], INSUFFICIENT_DATA: [] },
        metric: { namespace: 'AWS/SQS', name: 'Depth', dimensions: { QueueName: 'dead' } },
        statistic: 'Maximum',
        periodMs: 60_000,
        condition: {
          threshold: 0,
          comparison: 'GreaterThanThreshold',
          evaluationPeriods: 2,
          datapointsToAlarm: 2,
          treatMissingData: 'notBreaching',
        },
      },
    ]);
  });

  it('has no metric when it is on an expression', () => {
    const Alarm = anAlarm({ MetricName: undefined, Metrics: [{ Id: 'e', Expression: 'a / b' }] });
    expect(plan({ ...others, Subscription: aSubscription(), Alarm }).alarms).toMatchObject([{ metric: undefined }]);
  });

  it.each<[string, Record<string, Resource>, string]>([
    ['a topic that only people read', { Email: email, Alarm: anAlarm() }, 'Alarm: its action .*:alarms reaches no'],
    ['no topic of this stack', { Alarm: anAlarm({ OKActions: ['arn:else'] }) }, 'Alarm: its action'],
    ['a queue', { Subscription: aSubscription({ Protocol: 'sqs', Endpoint: 'arn:q' }) }, 'Subscription: .* sqs arn:q'],
    ['an unknown topic', { Subscription: aSubscription({ TopicArn: 'arn:gone' }) }, 'Subscription: its topic arn:gone'],
  ])('that would lead to %s is refused', (_where, resources, message) => {
    expect(() => plan({ ...others, ...resources })).toThrow(new RegExp(message));
  });
});

describe('what is not understood is named', () => {
  const inEnvironment = (value: object) => ({ Monitor: aFunction({ Environment: { Variables: { value } } }) });
  it.each<[string, Record<string, Resource>, string]>([
    ['a resource type', { Table: { Type: 'AWS::DynamoDB::Table' } }, 'Table: .* type AWS::DynamoDB::Table'],
    ['a property', { Jobs: aQueue({ Colour: 'blue' }) }, 'Jobs: .* property Colour of AWS::SQS::Queue'],
    [
      'an intrinsic',
      inEnvironment({ 'Fn::ImportValue': 'x' }),
      'Monitor.Environment.Variables.value: .* Fn::ImportValue',
    ],
    ['a reference', inEnvironment({ Ref: 'Nobody' }), 'no resource Nobody'],
    [
      'an attribute',
      inEnvironment({ 'Fn::GetAtt': ['Monitor', 'SnapStart'] }),
      'Monitor.SnapStart: .* AWS::Lambda::Function',
    ],
    ['a condition', { Jobs: { ...aQueue(), Condition: 'Sometimes' } }, 'Jobs: .* Condition Sometimes'],
    ['a runtime', { Monitor: aFunction({ Runtime: 'nodejs16.x' }) }, 'Monitor: .* not nodejs16.x'],
    ['an asset', { Monitor: aFunction({ Code: { S3Key: 'gone.zip' } }) }, 'Monitor: .* no asset .*gone.zip'],
    [
      'a target',
      { Monitor: aFunction(), Rule: aRule({ Targets: [{ Arn: 'arn:else' }] }) },
      'Rule: its target arn:else',
    ],
    ['an event pattern', { Monitor: aFunction(), Rule: aRule({ EventPattern: {} }) }, 'Rule: .* property EventPattern'],
  ])('%s', (_what, resources, message) => {
    expect(() => plan(resources)).toThrow(new RegExp(message));
  });
});
