import { describe, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { WIDGETS } from '../../lambdas/dashboard-widget/env.ts';
import { QueuekeeperStack } from '../../lib/queuekeeper-stack.ts';
import { readSettings } from '../../lib/settings.ts';
import { resolve, type Scope } from '../../local/intrinsics.ts';

const settings = readSettings({ AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://acme.supabase.co' });
const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
const stack = new QueuekeeperStack(app, 'Queuekeeper', { settings, env: { region: 'us-east-1' } });
const template = Template.fromStack(stack);

type Resource = { Properties: Record<string, unknown> };
const all = (type: string) => Object.entries(template.findResources(type)) as [string, Resource][];

/** What a reference stands for is of no interest here, only that it is one and the same. */
const scope: Scope = {
  parameters: { 'AWS::Region': 'us-east-1', 'AWS::AccountId': '1', 'AWS::Partition': 'aws' },
  attribute: (logicalId, attribute) => `${logicalId}.${attribute}`,
};

type Widget = {
  type: string;
  x: number;
  y: number;
  width: number;
  height: number;
  properties: {
    title?: string;
    markdown?: string;
    alarms?: string[];
    endpoint?: string;
    params?: { view: string };
    metrics?: unknown[][];
    annotations?: { horizontal: { value: number; label: string }[] };
  };
};
const [dashboard] = all('AWS::CloudWatch::Dashboard').map(([, { Properties }]) => Properties);
const widgets: Widget[] = JSON.parse(String(resolve(dashboard?.['DashboardBody'], scope, 'DashboardBody'))).widgets;
const titled = (title: string) => widgets.find(({ properties }) => properties.title === title);

describe('the dashboard', () => {
  test('bears the name of the stage', () => {
    expect(dashboard).toMatchObject({ DashboardName: 'queuekeeper-prod' });
  });

  test('begins with the state of every alarm that reaches people', () => {
    const reaching = [...all('AWS::CloudWatch::Alarm'), ...all('AWS::CloudWatch::CompositeAlarm')]
      .filter(([, { Properties }]) => Properties['AlarmActions'])
      .map(([id]) => `${id}.Arn`);
    const [first] = widgets;
    expect(first).toMatchObject({ type: 'alarm', x: 0, y: 0, width: 24 });
    expect(first?.properties.alarms?.toSorted()).toEqual(reaching.sort());
    expect(reaching.length).toBeGreaterThan(15);
  });

  test('answers whether it is all right on the first screen, with what is stale and what is dead', () => {
    const titles = widgets.slice(0, 4).map(({ properties }) => properties.title);
    expect(titles).toEqual([
      'Alarms: all green is all right',
      'Is it all right? The last 5 minutes',
      'Stale jobs',
      'Dead letters',
    ]);
    // A unit of the grid is about 60 pixels high.
    expect(Math.max(...widgets.slice(0, 3).map(({ y, height }) => y + height))).toBeLessThanOrEqual(14);
  });

  test('fills its grid without gaps at the side and without overlaps', () => {
    const rows = Map.groupBy(widgets, ({ y }) => y);
    let bottom = 0;
    for (const [y, row] of [...rows].sort(([a], [b]) => a - b)) {
      expect(y).toBe(bottom);
      expect(row.map(({ width }) => width).reduce((sum, width) => sum + width)).toBe(24);
      bottom = y + Math.max(...row.map(({ height }) => height));
    }
  });

  test('has a table of each kind, drawn by the function that reads', () => {
    const tables = widgets.filter(({ type }) => type === 'custom');
    expect(tables.map(({ properties }) => properties.params?.view).sort()).toEqual([...WIDGETS].sort());
    const [widgetAlias] = all('AWS::Lambda::Alias').find(([id]) => id.startsWith('DashboardTablesWidget')) ?? [];
    for (const { properties } of tables) expect(properties.endpoint).toBe(`${widgetAlias}.Ref`);
  });

  test.each([
    ['Stale jobs, and what became of them', 0],
    ['Dead letters', 0],
    ['Hours until SQS deletes the first of them', 72],
    ['Requests refused by the limit, %', 5],
    ['Time to answer, ms', 3_000],
    ['Faults of ours', 5],
    ['Runs of the monitors that went well, % of those due', 99],
    ['Runs of functions that failed', 0],
    ['Runs of functions that were refused (throttled)', 0],
  ])('draws the threshold of its alarm in "%s"', (title, value) => {
    const chart = widgets.find(({ type, properties }) => type === 'metric' && properties.title === title);
    expect(chart?.properties.annotations?.horizontal).toMatchObject([{ value }]);
  });

  test('shows errors, throttles and durations of every function', () => {
    const names = all('AWS::Lambda::Function').map(([id]) => `${id}.Ref`);
    for (const title of [
      'Runs of functions that failed',
      'Runs of functions that were refused (throttled)',
      'How long functions run, ms (the longest run)',
    ]) {
      const shown = titled(title)?.properties.metrics?.map((metric) => metric[3]);
      expect(shown?.sort()).toEqual(names.sort());
    }
  });

  test('is linked to by the alerts about dead letters', () => {
    const url =
      'https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/queuekeeper-prod';
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'queuekeeper-prod-dlq-monitor',
      Environment: { Variables: { DASHBOARD_URL: url } },
    });
    template.hasOutput('DashboardUrl', { Value: url });
  });
});

type Statement = { Action: string | string[]; Resource: unknown };
const statements = (policies: [string, Resource][], isOf: (policy: Resource) => boolean) =>
  policies
    .filter(([, policy]) => isOf(policy))
    .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement);

/** What the function of that name may do in AWS, and to what. */
function rightsOf(name: string): { actions: string[]; resources: unknown[] } {
  const [, found] =
    all('AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties['FunctionName'] === `queuekeeper-prod-${name}`,
    ) ?? [];
  const {
    'Fn::GetAtt': [role],
  } = (found as Resource).Properties['Role'] as { 'Fn::GetAtt': [string] };
  const own = statements(all('AWS::IAM::Policy'), ({ Properties }) =>
    (Properties['Roles'] as { Ref: string }[]).some(({ Ref }) => Ref === role),
  );
  return { actions: own.flatMap(({ Action }) => Action).sort(), resources: own.map(({ Resource }) => Resource) };
}

/** Of every role and policy, those that may invoke the function that acts. */
function mayInvoke(idPrefix: string): string[] {
  const [alias] = all('AWS::Lambda::Alias').find(([id]) => id.startsWith(idPrefix)) ?? [];
  return [...all('AWS::IAM::Policy'), ...all('AWS::IAM::ManagedPolicy')]
    .filter(
      ([, policy]) =>
        JSON.stringify(policy).includes('lambda:InvokeFunction') &&
        JSON.stringify(policy).includes(`{"Ref":"${alias}"}`),
    )
    .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
}

describe('who may do what', () => {
  test('the function that draws the tables may change nothing, neither a message nor a parameter', () => {
    expect(rightsOf('dashboard-widget').actions).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:GetQueueAttributes',
      'sqs:ListMessageMoveTasks',
      'sqs:SendMessage', // its own failed events
      'ssm:GetParameter',
    ]);
  });

  test('and sends only what it could not handle', () => {
    const [failed] = all('AWS::SQS::Queue').find(([id]) => id.startsWith('FailedEvents')) ?? [];
    const sending = statements(all('AWS::IAM::Policy'), (policy) =>
      JSON.stringify(policy).includes('DashboardTablesWidget'),
    ).filter(({ Action }) => [Action].flat().includes('sqs:SendMessage'));
    expect(sending.map(({ Resource }) => Resource)).toEqual([{ 'Fn::GetAtt': [failed, 'Arn'] }]);
  });

  test('the function behind the buttons may redrive, and read its key', () => {
    expect(rightsOf('dashboard-action').actions).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:CancelMessageMoveTask',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ListMessageMoveTasks',
      'sqs:ReceiveMessage',
      'sqs:SendMessage',
      'sqs:SendMessage',
      'sqs:StartMessageMoveTask',
      'ssm:GetParameter',
    ]);
  });

  test('those who may look cannot press: only one policy reaches the function behind the buttons', () => {
    expect(mayInvoke('DashboardTablesAction')).toEqual(['DashboardTablesOperate']);
    expect(mayInvoke('DashboardTablesWidget').sort()).toEqual(['DashboardTablesOperate', 'DashboardTablesView']);
    expect(rightsOf('dashboard-widget').actions.filter((action) => action.startsWith('lambda:'))).toEqual([]);
  });

  test('no service and no other account may call either function', () => {
    const permissions = all('AWS::Lambda::Permission').filter(([id]) => id.startsWith('Dashboard'));
    expect(permissions).toEqual([]);
  });
});
