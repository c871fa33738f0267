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

describe('the alias of a function', () => {
  const alias = (Properties: object = {}): Resource => ({
    Type: 'AWS::Lambda::Alias',
    Properties: {
      FunctionName: { Ref: 'Monitor' },
      FunctionVersion: { 'Fn::GetAtt': ['Version', 'Version'] },
      Name: 'live',
      ...Properties,
    },
  });
  const Version: Resource = { Type: 'AWS::Lambda::Version', Properties: { FunctionName: { Ref: 'Monitor' } } };

  it.each(['Live', 'Version'])('leads to it, as %s', (id) => {
    const Rule = aRule({ Targets: [{ Arn: { Ref: id } }] });
    expect(plan({ Monitor: aFunction(), Version, Live: alias(), Rule }).schedules).toMatchObject([
      { functionName: 'queuekeeper-local-stale-job-monitor' },
    ]);
  });

  it('is refused when its function is not of this stack', () => {
    expect(() => plan({ Live: alias({ FunctionName: 'else' }) })).toThrow('Live: its function else');
  });
});

describe('the plan of an API', () => {
  const rest = { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'api' } };
  const stage = { Type: 'AWS::ApiGateway::Stage', Properties: { StageName: 'prod', RestApiId: { Ref: 'Rest' } } };
  const uri = (function_: object) => ({
    'Fn::Join': ['', ['arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/', function_, '/invocations']],
  });
  const proxy = {
    Type: 'AWS_PROXY',
    IntegrationHttpMethod: 'POST',
    Uri: uri({ 'Fn::GetAtt': ['Monitor', 'Arn'] }),
  };
  const aMethod = (Integration: object = proxy, Properties: object = {}): Resource => ({
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      AuthorizationType: 'NONE',
      HttpMethod: 'GET',
      ResourceId: { 'Fn::GetAtt': ['Rest', 'RootResourceId'] },
      Integration,
      ...Properties,
    },
  });
  const withMethod = (Method: Resource) => plan({ Rest: rest, Stage: stage, Monitor: aFunction(), Method }).api;

  it('is none where the template has none', () => {
    expect(plan({}).api).toBeUndefined();
  });

  it("has each resource's path and what its methods lead to, 29 s at most", () => {
    expect(withMethod(aMethod())?.resources).toMatchObject([
      {
        path: '/',
        methods: [
          {
            httpMethod: 'GET',
            apiKeyRequired: false,
            integration: {
              type: 'AWS_PROXY',
              functionName: 'queuekeeper-local-stale-job-monitor',
              timeoutMs: 29_000,
            },
          },
        ],
      },
    ]);
  });

  it("has the stage's throttles, of all methods and of one", () => {
    const setting = (HttpMethod: string, ResourcePath: string, burst: number) => ({
      ...{ HttpMethod, ResourcePath, ThrottlingRateLimit: 10, ThrottlingBurstLimit: burst },
    });
    const MethodSettings = [setting('*', '/*', 20), setting('GET', '/~1api~1health', 5)];
    const Stage = { ...stage, Properties: { ...stage.Properties, MethodSettings } };
    expect(plan({ Rest: rest, Stage }).api?.throttles).toEqual(
      new Map([
        ['*', { ratePerSecond: 10, burst: 20 }],
        ['GET /api/health', { ratePerSecond: 10, burst: 5 }],
      ]),
    );
  });

  const mock = (template: string) => ({ Type: 'MOCK', RequestTemplates: { 'application/json': template } });
  it.each<[string, Resource, string]>([
    ['another integration', aMethod({ Type: 'HTTP_PROXY' }), 'AWS_PROXY and MOCK integrations, not HTTP_PROXY'],
    ['a function of elsewhere', aMethod({ ...proxy, Uri: 'arn:else' }), 'arn:else is not a function of this stack'],
    ['an integration by GET', aMethod({ ...proxy, IntegrationHttpMethod: 'GET' }), 'wanted POST'],
    ['a property of an integration', aMethod({ ...proxy, Credentials: 'x' }), 'Credentials of an integration'],
    ['an authorizer', aMethod(proxy, { AuthorizationType: 'AWS_IAM' }), 'not AWS_IAM'],
    ['a model of a body', aMethod(proxy, { RequestModels: {} }), 'property RequestModels'],
    ['a template with logic', aMethod(mock('#if(true)1#end')), '#if in a template'],
    ['an unknown variable', aMethod(mock('$context.authorizer.x')), '\\$context.authorizer.x in a template'],
    ['a function of a template', aMethod(mock("$input.json('$')")), '\\$input in a template'],
  ])('does not have %s', (_what, method, message) => {
    expect(() => withMethod(method)).toThrow(new RegExp(`Method: .*${message}`));
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
        value: {
          metric: { namespace: 'AWS/SQS', name: 'Depth', dimensions: { QueueName: 'dead' } },
          statistic: 'Maximum',
        },
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

  it('has the formula of an expression and the metrics that it names', () => {
    const failed = {
      Id: 'failed',
      ReturnData: false,
      MetricStat: { Metric: { Namespace: 'N', MetricName: 'Failed' }, Period: 300, Stat: 'p99' },
    };
    const Metrics = [{ Id: 'e', Expression: '100 * failed' }, failed];
    const Alarm = anAlarm({ MetricName: undefined, Metrics });
    const value = { metric: { namespace: 'N', name: 'Failed', dimensions: {} }, statistic: 'p99' };
    expect(plan({ ...others, Subscription: aSubscription(), Alarm }).alarms).toMatchObject([
      { value: { formula: expect.any(Function), values: new Map([['failed', value]]) }, periodMs: 300_000 },
    ]);
  });

  it('over other alarms has its rule, and the alarm that keeps it silent', () => {
    const Composite: Resource = {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: {
        AlarmName: 'alert',
        AlarmActions: [{ Ref: 'Topic' }],
        AlarmRule: { 'Fn::Join': ['', ['ALARM("', { 'Fn::GetAtt': ['Alarm', 'Arn'] }, '")']] },
        ActionsSuppressor: { 'Fn::GetAtt': ['Alarm', 'Arn'] },
        ActionsSuppressorWaitPeriod: 60,
        ActionsSuppressorExtensionPeriod: 120,
      },
    };
    const [, alert] = plan({ ...others, Subscription: aSubscription(), Alarm: anAlarm(), Composite }).alarms;
    expect(alert).toMatchObject({
      name: 'alert',
      told: { ALARM: ['notifier'], OK: [] },
      suppressor: { name: 'dead-letters', waitMs: 60_000, extensionMs: 120_000 },
    });
    const stateOf = (name: string) =>
      name === 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:dead-letters' ? 'ALARM' : 'OK';
    expect(alert?.type === 'CompositeAlarm' && alert.rule(stateOf)).toBe(true);
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
