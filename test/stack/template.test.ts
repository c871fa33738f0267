import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { ScheduledFunction } from '../../lib/constructs/scheduled-function.ts';
import { QueuekeeperStack } from '../../lib/queuekeeper-stack.ts';
import { readSettings } from '../../lib/settings.ts';

/** The template without its bundles, which nothing here looks into. */
const NO_BUNDLES = { 'aws:cdk:bundling-stacks': [] };

function synthesize(different: Record<string, string> = {}): Template {
  const settings = readSettings({
    AWS_DEFAULT_REGION: 'us-east-1',
    SUPABASE_URL: 'https://acme.supabase.co',
    ...different,
  });
  const app = new App({ context: NO_BUNDLES });
  const env = { region: settings.AWS_DEFAULT_REGION };
  return Template.fromStack(new QueuekeeperStack(app, 'Queuekeeper', { settings, env }));
}

const template = synthesize();

type Resource = { Type: string; Properties: Record<string, unknown>; DeletionPolicy?: string };
type Reference = { 'Fn::GetAtt': [string, string] };

const all = (type: string, from = template) => Object.entries(from.findResources(type)) as [string, Resource][];

/** The one resource of a type whose logical id begins so. */
function one(type: string, idPrefix: string, from = template): [string, Resource] {
  const found = all(type, from).filter(([id]) => id.startsWith(idPrefix));
  expect(found).toHaveLength(1);
  return found[0] as [string, Resource];
}

const functions = all('AWS::Lambda::Function').map(([id, { Properties }]) => ({
  id,
  name: String(Properties['FunctionName']).replace('queuekeeper-prod-', ''),
  properties: Properties,
}));
const monitor = functions.find(({ name }) => name === 'stale-job-monitor');

const isOf = (functionId: string, { Properties }: Resource) =>
  (Properties['FunctionName'] as { Ref: string }).Ref === functionId;

function aliasOf(functionId = ''): [string, Resource] {
  const found = all('AWS::Lambda::Alias').filter(([, one]) => isOf(functionId, one));
  expect(found).toHaveLength(1);
  return found[0] as [string, Resource];
}

describe('each function', () => {
  test('is there', () => {
    expect(functions.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'alarm-notifier',
        'dlq-monitor',
        'health',
        'queue-status',
        'rate-limit-cleanup',
        'stale-job-monitor',
      ]),
    );
  });

  test.each(functions)('$name runs on Node.js 24 and arm64', ({ properties }) => {
    expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
  });

  test.each(functions)('$name gets exactly the variables that its env.ts asks for', async ({ name, properties }) => {
    const { environment } = await import(`../../lambdas/${name}/env.ts`);
    const { Variables } = properties['Environment'] as { Variables: Record<string, unknown> };
    expect(Object.keys(Variables).sort()).toEqual(Object.keys(environment).sort());
  });

  test.each(functions)('$name keeps its logs for 30 days, in a group of its own', ({ name, properties }) => {
    const { LogGroup } = properties['LoggingConfig'] as { LogGroup: { Ref: string } };
    expect(all('AWS::Logs::LogGroup').find(([id]) => id === LogGroup.Ref)?.[1]).toMatchObject({
      Properties: { LogGroupName: `/aws/lambda/queuekeeper-prod-${name}`, RetentionInDays: 30 },
      DeletionPolicy: 'Delete',
    });
  });

  test.each(functions)('$name has a role of its own, without any managed policy', ({ properties }) => {
    const role = (properties['Role'] as Reference)['Fn::GetAtt'][0];
    expect(functions.filter((other) => (other.properties['Role'] as Reference)['Fn::GetAtt'][0] === role)).toHaveLength(
      1,
    );
    expect(all('AWS::IAM::Role').find(([id]) => id === role)?.[1].Properties).toEqual({
      AssumeRolePolicyDocument: {
        Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
        Version: '2012-10-17',
      },
    });
  });

  test.each(functions)('$name may do nothing to everything', ({ properties }) => {
    const role = (properties['Role'] as Reference)['Fn::GetAtt'][0];
    for (const statement of statementsOf(role)) {
      expect(statement.Effect).toBe('Allow');
      expect([statement.Resource].flat()).not.toContain('*');
      expect([statement.Action].flat().filter((action) => action.includes('*'))).toEqual([]);
    }
  });

  test.each(functions)('$name is called by its alias, which stands for the version of this deploy', ({ id }) => {
    const [[version, { DeletionPolicy }] = ['', {}]] = all('AWS::Lambda::Version').filter(([, one]) => isOf(id, one));
    expect(DeletionPolicy).toBe('Retain');
    expect(aliasOf(id)[1].Properties).toEqual({
      FunctionName: { Ref: id },
      FunctionVersion: { 'Fn::GetAtt': [version, 'Version'] },
      Name: 'live',
    });
  });

  test.each(functions)('$name sends what it could not handle to the failed events', ({ id }) => {
    const configs = all('AWS::Lambda::EventInvokeConfig').filter(([, one]) => isOf(id, one));
    expect(configs).toHaveLength(1);
    expect(configs[0]?.[1].Properties).toMatchObject({
      DestinationConfig: { OnFailure: { Destination: arnOf('AWS::SQS::Queue', 'FailedEvents') } },
      MaximumEventAgeInSeconds: 3600,
      Qualifier: { 'Fn::Select': [7, { 'Fn::Split': [':', { Ref: aliasOf(id)[0] }] }] },
    });
  });

  test('is called by nobody but through its alias', () => {
    const ids = functions.map(({ id }) => id);
    const callers = [
      ...all('AWS::Events::Rule'),
      ...all('AWS::SNS::Subscription'),
      ...all('AWS::ApiGateway::Method'),
      ...all('AWS::Lambda::Permission'),
    ];
    expect(callers.length).toBeGreaterThan(ids.length);
    for (const [caller, { Properties }] of callers) {
      const called = ids.filter((id) => JSON.stringify(Properties).includes(`"${id}"`));
      expect({ caller, called }).toEqual({ caller, called: [] });
    }
  });

  test('keeps its logs for as long as the setting says', () => {
    for (const [, { Properties }] of all('AWS::Logs::LogGroup', synthesize({ LOG_RETENTION_DAYS: '90' }))) {
      expect(Properties).toMatchObject({ RetentionInDays: 90 });
    }
  });
});

type Statement = { Action: string | string[]; Effect: string; Resource: unknown };

/** What a role may do, word for word. */
function statementsOf(role: string): Statement[] {
  return all('AWS::IAM::Policy')
    .filter(([, { Properties }]) => (Properties['Roles'] as { Ref: string }[]).some(({ Ref }) => Ref === role))
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);
}

const arnOf = (type: string, idPrefix: string, from = template) => ({
  'Fn::GetAtt': [one(type, idPrefix, from)[0], 'Arn'],
});

describe('the stale-job monitor', () => {
  test('runs every 2 minutes, and nothing repeats a failed run but the next', () => {
    const [, rule] = one('AWS::Events::Rule', 'StaleJobMonitor');
    expect(rule.Properties).toMatchObject({
      ScheduleExpression: 'rate(2 minutes)',
      State: 'ENABLED',
      Targets: [
        {
          Arn: { Ref: aliasOf(monitor?.id)[0] },
          RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 120 },
        },
      ],
    });
    const [, config] = one('AWS::Lambda::EventInvokeConfig', 'StaleJobMonitor');
    expect(config.Properties).toMatchObject({ MaximumRetryAttempts: 0 });
  });

  test('runs as often as the setting says', () => {
    const [, every] = one('AWS::Events::Rule', 'StaleJobMonitor', synthesize({ STALE_CHECK_MINUTES: '1' }));
    expect(every.Properties).toMatchObject({ ScheduleExpression: 'rate(1 minute)' });
  });

  test('gets its settings, and of its key the name only', () => {
    const variables = { STAGE: 'blue', STALE_THRESHOLD_MINUTES: '7', BREAKER_SHARE_PERCENT: '35', CANARY_SIZE: '9' };
    const changed = synthesize({ ...variables, RECOVERY_BATCH_SIZE: '80', BREAKER_MIN_RUNNING: '30' });
    const [, { Properties }] = one('AWS::Lambda::Function', 'StaleJobMonitor', changed);
    expect(Properties['Environment']).toEqual({
      Variables: {
        STAGE: 'blue',
        SUPABASE_URL: 'https://acme.supabase.co',
        SUPABASE_SERVICE_KEY_PARAMETER: '/queuekeeper/blue/supabase-service-key',
        SQS_QUEUE_URL: { Ref: one('AWS::SQS::Queue', 'JobQueue6', changed)[0] },
        STALE_THRESHOLD_MINUTES: '7',
        RECOVERY_BATCH_SIZE: '80',
        BREAKER_MIN_RUNNING: '30',
        BREAKER_SHARE: '0.35',
        CANARY_SIZE: '9',
      },
    });
  });

  test('may write its log, send to the job queue and the failed events, read its key, and nothing else', () => {
    expect(statementsOf(one('AWS::IAM::Role', 'StaleJobMonitor')[0])).toEqual([
      {
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Effect: 'Allow',
        Resource: arnOf('AWS::Logs::LogGroup', 'StaleJobMonitor'),
      },
      { Action: 'sqs:SendMessage', Effect: 'Allow', Resource: arnOf('AWS::SQS::Queue', 'FailedEvents') },
      { Action: 'sqs:SendMessage', Effect: 'Allow', Resource: arnOf('AWS::SQS::Queue', 'JobQueue6') },
      {
        Action: 'ssm:GetParameter',
        Effect: 'Allow',
        Resource: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':ssm:us-east-1:',
              { Ref: 'AWS::AccountId' },
              ':parameter/queuekeeper/prod/supabase-service-key',
            ],
          ],
        },
      },
    ]);
  });

  test('runs one at a time, unless the account has nothing to reserve', () => {
    expect(monitor?.properties).toMatchObject({ ReservedConcurrentExecutions: 1 });
    const [, young] = one('AWS::Lambda::Function', 'StaleJobMonitor', synthesize({ RESERVE_CONCURRENCY: 'no' }));
    expect(young.Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test.each([
    ['1', 50],
    ['2', 110],
    ['60', 110],
  ])('every %s minutes ends after %i s, before the next run begins', (STALE_CHECK_MINUTES, seconds) => {
    const [, { Properties }] = one('AWS::Lambda::Function', 'StaleJobMonitor', synthesize({ STALE_CHECK_MINUTES }));
    expect(Properties).toMatchObject({ Timeout: seconds });
    expect(seconds).toBeLessThan(Number(STALE_CHECK_MINUTES) * 60);
  });
});

describe('a scheduled function', () => {
  const scheduled = (timeout: Duration, period: Duration) => {
    const stack = new Stack(new App({ context: NO_BUNDLES }), 'Test');
    return new ScheduledFunction(stack, 'Function', {
      name: 'stale-job-monitor',
      stage: 'test',
      description: '',
      environment: {},
      failedEvents: new Queue(stack, 'FailedEvents'),
      timeout,
      period,
    });
  };

  test('may last until just before its next run', () => {
    expect(() => scheduled(Duration.seconds(119), Duration.minutes(2))).not.toThrow();
  });

  test('is refused, with both values, when it may last as long as its period', () => {
    expect(() => scheduled(Duration.seconds(120), Duration.minutes(2))).toThrow(
      'stale-job-monitor: the timeout is 120 s and the period 120 s, wanted a timeout shorter than the period',
    );
  });
});

describe('the queues', () => {
  test('are a job queue and a dead-letter queue that gets a message after 5 receives', () => {
    const [, jobs] = one('AWS::SQS::Queue', 'JobQueue6');
    expect(jobs.Properties).toEqual({
      QueueName: 'queuekeeper-prod-jobs',
      MessageRetentionPeriod: 4 * 86_400,
      VisibilityTimeout: 300,
      SqsManagedSseEnabled: true,
      RedrivePolicy: {
        deadLetterTargetArn: arnOf('AWS::SQS::Queue', 'JobQueueDeadLetterQueue'),
        maxReceiveCount: 5,
      },
    });
  });

  test('keep a dead letter for 14 days, and looking at it does not move it on', () => {
    const [, dead] = one('AWS::SQS::Queue', 'JobQueueDeadLetterQueue');
    expect(dead.Properties).toEqual({
      QueueName: 'queuekeeper-prod-dead-letters',
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
    });
  });

  test.each(['1', '13'])('keep a dead letter longer than a job that is kept for %s days', (QUEUE_RETENTION_DAYS) => {
    const changed = synthesize({ QUEUE_RETENTION_DAYS });
    const retention = (id: string) =>
      Number(one('AWS::SQS::Queue', id, changed)[1].Properties['MessageRetentionPeriod']);
    expect(retention('JobQueue6')).toBe(Number(QUEUE_RETENTION_DAYS) * 86_400);
    expect(retention('JobQueue6')).toBeLessThan(retention('JobQueueDeadLetterQueue'));
  });

  test('take what the settings say', () => {
    const changed = synthesize({ QUEUE_VISIBILITY_SECONDS: '900', QUEUE_MAX_RECEIVES: '2', STAGE: 'blue' });
    expect(one('AWS::SQS::Queue', 'JobQueue6', changed)[1].Properties).toMatchObject({
      QueueName: 'queuekeeper-blue-jobs',
      VisibilityTimeout: 900,
      RedrivePolicy: { maxReceiveCount: 2 },
    });
  });

  test('are all encrypted and answer over TLS only', () => {
    const queues = all('AWS::SQS::Queue');
    expect(queues.length).toBeGreaterThanOrEqual(3);
    for (const [id, { Properties }] of queues) {
      expect(Properties).toMatchObject({ SqsManagedSseEnabled: true });
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            {
              Action: 'sqs:*',
              Effect: 'Deny',
              Principal: { AWS: '*' },
              Resource: { 'Fn::GetAtt': [id, 'Arn'] },
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ]),
        },
      });
    }
  });

  test('outlive the stack, but for the failed events', () => {
    const policies = Object.fromEntries(
      all('AWS::SQS::Queue').map(([id, { DeletionPolicy }]) => [id.replace(/[0-9A-F]{8}$/, ''), DeletionPolicy]),
    );
    expect(policies).toEqual({ JobQueue: 'Retain', JobQueueDeadLetterQueue: 'Retain', FailedEvents: 'Delete' });
  });

  test('keep their logical ids: another id would be another, empty queue', () => {
    expect(all('AWS::SQS::Queue').map(([id]) => id)).toEqual(
      expect.arrayContaining(['JobQueue67926FCA', 'JobQueueDeadLetterQueue653C121A']),
    );
  });
});

test('the topic of the alarms keeps its logical id: another would be one whose e-mail addresses nobody has confirmed', () => {
  expect(all('AWS::SNS::Topic').map(([id]) => id)).toEqual(['AlarmsTopic3A2DFEBA']);
});

describe('queues that exist already', () => {
  const urls = (region: string, end = '') => ({
    SQS_QUEUE_URL: `https://sqs.${region}.amazonaws.com/123456789012/orders${end}`,
    SQS_DLQ_URL: `https://sqs.${region}.amazonaws.com/123456789012/orders-dead${end}`,
  });

  test.each(['', '.fifo'])('are imported by their URLs, and none is created (%s)', (end) => {
    const imported = synthesize(urls('us-east-1', end));
    expect(all('AWS::SQS::Queue', imported).map(([id]) => id)).toEqual([expect.stringMatching(/^FailedEvents/)]);
    const [, { Properties }] = one('AWS::Lambda::Function', 'StaleJobMonitor', imported);
    expect(Properties['Environment']).toMatchObject({
      Variables: { SQS_QUEUE_URL: urls('us-east-1', end).SQS_QUEUE_URL },
    });
    imported.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^StaleJobMonitor'),
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Action: 'sqs:SendMessage',
            Effect: 'Allow',
            Resource: {
              'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:sqs:us-east-1:123456789012:orders${end}`]],
            },
          },
        ]),
      },
    });
  });

  test('are refused in another region than the stack', () => {
    expect(() => synthesize(urls('eu-west-1'))).toThrow(
      `the queue ${urls('eu-west-1').SQS_QUEUE_URL} is in eu-west-1, wanted it in the region of the stack, us-east-1`,
    );
  });
});

describe('the app', () => {
  const SECRET = 'sb_secret_AbCdEfGhIjKlMnOpQrStUvWxYz';
  const WEBHOOK = 'https://hooks.slack.com/services/T0SECRET/B0SECRET/abcdefghijk';

  /** Runs the app as the CDK does. Answers what it printed and every file that it wrote, as one text each. */
  function runApp(envFile: string, environment: Record<string, string> = {}, context: object = NO_BUNDLES) {
    const directory = mkdtempSync(join(tmpdir(), 'queuekeeper-synth-'));
    try {
      writeFileSync(join(directory, 'settings.env'), envFile);
      const output = join(directory, 'cdk.out');
      const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/app.ts'], {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          CDK_OUTDIR: output,
          CDK_CONTEXT_JSON: JSON.stringify(context),
          QUEUEKEEPER_ENV_FILE: join(directory, 'settings.env'),
          ...environment,
        },
      });
      const files = status === 0 ? readdirSync(output, { recursive: true, withFileTypes: true }) : [];
      const written = files
        .filter((entry) => entry.isFile() && /\.(json|txt)$/.test(entry.name))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
      return { status, printed: `${stdout}${stderr}`, written: written.join('\n'), directory };
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test('writes no secret anywhere, be it in the environment or in the env file', () => {
    const { status, printed, written } = runApp(
      `SUPABASE_URL=https://acme.supabase.co\nAWS_DEFAULT_REGION=us-east-1\nSUPABASE_SERVICE_ROLE_KEY=${SECRET}1\nSUPABASE_DB_URL=postgresql://u:${SECRET}2@h/db\n`,
      { SUPABASE_SERVICE_KEY: `${SECRET}3`, SLACK_WEBHOOK_URL: WEBHOOK },
    );
    expect(printed).not.toContain('Error');
    expect(status).toBe(0);
    expect(written).toContain('queuekeeper-prod-stale-job-monitor');
    expect(`${written}${printed}`).not.toContain(SECRET);
    expect(`${written}${printed}`).not.toContain('hooks.slack.com');
  });

  test('synthesizes the same template twice, bundles included: a second deploy changes nothing', () => {
    const settings = 'SUPABASE_URL=https://acme.supabase.co\nAWS_DEFAULT_REGION=us-east-1\n';
    const [first, second] = [runApp(settings, {}, {}), runApp(settings, {}, {})].map(({ written, directory }) =>
      written.replaceAll(directory, ''),
    );
    expect(first).toContain('AWS::Lambda::Version');
    expect(second).toBe(first);
  }, 180_000); // it bundles every function, twice

  test('says everything that is wrong with the settings, without a stack trace, and fails', () => {
    const { status, printed, directory } = runApp('STAGE=Prod\n');
    expect(status).toBe(1);
    expect(printed.trim().split('\n').slice(0, 4).sort()).toEqual([
      '  AWS_DEFAULT_REGION is missing, wanted a region such as us-east-1',
      '  STAGE is "Prod", wanted lower-case letters, digits and -, 16 at most',
      '  SUPABASE_URL is missing, wanted the project URL without a path, https://PROJECT.supabase.co',
      `Settings (environment and ${join(directory, 'settings.env')}) are missing or wrong:`,
    ]);
    expect(printed).not.toContain('    at ');
  });

  test('lets a variable of the environment win over the env file', () => {
    const { written } = runApp('STAGE=blue\nSUPABASE_URL=https://acme.supabase.co\nAWS_DEFAULT_REGION=us-east-1\n', {
      STAGE: 'green',
    });
    expect(written).toContain('queuekeeper-green-stale-job-monitor');
    expect(written).not.toContain('queuekeeper-blue');
  });
});

test('the template is the one that was reviewed', () => {
  const text = JSON.stringify(template.toJSON(), null, 2)
    .replaceAll(/[0-9a-f]{64}/g, 'ASSET')
    // At the end of the ids of versions and of the gateway's deployment.
    .replaceAll(/(?<=[0-9A-F]{8})[0-9a-f]{32}(?![0-9a-f])/g, 'HASH');
  expect(JSON.parse(text)).toMatchSnapshot();
});
