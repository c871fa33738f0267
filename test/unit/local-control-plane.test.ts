import {
  APIGatewayClient,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  DeleteUsagePlanKeyCommand,
  GetApiKeyCommand,
  GetApiKeysCommand,
  GetUsagePlanCommand,
  GetUsagePlanKeysCommand,
  GetUsagePlansCommand,
  UpdateApiKeyCommand,
} from '@aws-sdk/client-api-gateway';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AlarmPlan } from '../../local/alarm-plan.ts';
import { parseAlarmRule } from '../../local/alarm-rule.ts';
import { createAlarms } from '../../local/alarms.ts';
import { serveControl } from '../../local/api/control.ts';
import { type ApiKeys, createApiKeys } from '../../local/api/keys.ts';
import type { ApiPlan } from '../../local/api/plan.ts';
import { cloudWatchActions } from '../../local/cloudwatch.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';
import { createLogs } from '../../local/logs.ts';
import { createMetrics } from '../../local/metrics.ts';

const PLAN: ApiPlan = {
  ...{ id: 'rest', name: 'api', stage: 'prod', stageVariables: null, resources: [] },
  ...{ gatewayResponses: new Map(), throttles: new Map() },
  usagePlans: ['starter', 'pro'].map((name) => ({
    ...{ id: `plan-${name}`, name, methodThrottles: new Map(), stages: [{ apiId: 'rest', stage: 'prod' }] },
    throttle: { ratePerSecond: 20, burst: 200 },
    quota: { limit: 1_000, period: 'MONTH' },
  })),
  keys: [{ id: 'first', name: 'the first', enabled: true }],
  members: [{ keyId: 'first', planId: 'plan-starter' }],
};
const told = { ALARM: [], OK: [], INSUFFICIENT_DATA: [] };
const ALARMS: AlarmPlan[] = [
  {
    ...{ type: 'MetricAlarm', name: 'local-depth', description: 'Deep.', told, periodMs: 60_000 },
    value: { metric: { namespace: 'N', name: 'Depth', dimensions: {} }, statistic: 'Sum' },
    condition: {
      ...{ threshold: 0, comparison: 'GreaterThanThreshold', evaluationPeriods: 1, datapointsToAlarm: 1 },
      treatMissingData: 'ignore',
    },
    properties: { Threshold: 0, MetricName: 'Depth' },
  },
  {
    ...{ type: 'CompositeAlarm', name: 'local-any', description: '', told, properties: {} },
    rule: parseAlarmRule('ALARM("local-depth")'),
    suppressor: undefined,
  },
];

const metrics = createMetrics(3_600_000);
const logs = createLogs(['monitor']);
let keys: ApiKeys;
let plane: ControlPlane;
let apiGateway: APIGatewayClient;
let cloudWatch: CloudWatchClient;
let cloudWatchLogs: CloudWatchLogsClient;

beforeAll(async () => {
  keys = createApiKeys({ plan: PLAN });
  const tell = async () => {};
  const alarms = createAlarms({ plans: ALARMS, metrics, timeScale: 1, visibleMessages: () => [], tell });
  plane = await startControlPlane({ ...cloudWatchActions(alarms, metrics), ...logs.actions }, serveControl(PLAN, keys));
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const options = { endpoint: plane.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  apiGateway = new APIGatewayClient(options);
  cloudWatch = new CloudWatchClient(options);
  cloudWatchLogs = new CloudWatchLogsClient(options);
});
afterAll(async () => {
  for (const client of [apiGateway, cloudWatch, cloudWatchLogs]) client.destroy();
  await plane.stop();
});

describe('API keys', () => {
  it('are made, put in a plan, switched off and deleted, as in AWS', async () => {
    const { id = '', value } = await apiGateway.send(new CreateApiKeyCommand({ name: 'acme', enabled: true }));
    expect(value).toMatch(/^[A-Za-z0-9]{40}$/);
    const member = { keyId: id, keyType: 'API_KEY' };
    await apiGateway.send(new CreateUsagePlanKeyCommand({ usagePlanId: 'plan-pro', ...member }));
    const { items } = await apiGateway.send(new GetUsagePlanKeysCommand({ usagePlanId: 'plan-pro' }));
    expect(items).toMatchObject([{ id, name: 'acme', type: 'API_KEY' }]);
    const plans = await apiGateway.send(new GetUsagePlansCommand({ keyId: id }));
    expect(plans.items?.map(({ name }) => name)).toEqual(['pro']);

    const patchOperations = [{ op: 'replace' as const, path: '/enabled', value: 'false' }];
    await apiGateway.send(new UpdateApiKeyCommand({ apiKey: id, patchOperations }));
    expect(keys.get(id)).toMatchObject({ enabled: false, planId: 'plan-pro' });
    await apiGateway.send(new DeleteUsagePlanKeyCommand({ usagePlanId: 'plan-pro', keyId: id }));
    expect(keys.get(id)?.planId).toBeUndefined();
    await apiGateway.send(new DeleteApiKeyCommand({ apiKey: id }));
    await expect(apiGateway.send(new GetApiKeyCommand({ apiKey: id }))).rejects.toMatchObject({
      name: 'NotFoundException',
    });
  });

  it('show their values only to who asks for them', async () => {
    const list = (includeValues: boolean) =>
      apiGateway.send(new GetApiKeysCommand({ nameQuery: 'the', includeValues }));
    expect((await list(true)).items).toMatchObject([{ id: 'first', value: keys.get('first')?.value, enabled: true }]);
    expect((await list(false)).items?.[0]).not.toHaveProperty('value');
    expect((await list(false)).items?.[0]?.createdDate).toBeInstanceOf(Date);
  });

  it('are in one plan of a stage at most', async () => {
    const command = new CreateUsagePlanKeyCommand({ usagePlanId: 'plan-pro', keyId: 'first', keyType: 'API_KEY' });
    await expect(apiGateway.send(command)).rejects.toMatchObject({ name: 'ConflictException' });
  });

  it('have plans with the throttle and the quota of the template', async () => {
    expect(await apiGateway.send(new GetUsagePlanCommand({ usagePlanId: 'plan-starter' }))).toMatchObject({
      name: 'starter',
      throttle: { rateLimit: 20, burstLimit: 200 },
      quota: { limit: 1_000, period: 'MONTH' },
      apiStages: [{ apiId: 'rest', stage: 'prod' }],
    });
  });
});

describe('alarms', () => {
  it('are described by their kinds, with their states', async () => {
    const describeAll = (input: object) => cloudWatch.send(new DescribeAlarmsCommand(input));
    const set = { AlarmName: 'local-depth', StateValue: 'ALARM' as const, StateReason: 'by hand' };
    await cloudWatch.send(new SetAlarmStateCommand(set));
    const all = await describeAll({ AlarmNamePrefix: 'local-', AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] });
    expect(all.MetricAlarms).toMatchObject([
      {
        AlarmName: 'local-depth',
        AlarmDescription: 'Deep.',
        StateValue: 'ALARM',
        StateReason: 'by hand',
        StateUpdatedTimestamp: expect.any(Date),
        Threshold: 0,
      },
    ]);
    expect(all.CompositeAlarms).toMatchObject([{ AlarmName: 'local-any', StateValue: 'INSUFFICIENT_DATA' }]);
    expect((await describeAll({ StateValue: 'OK' })).MetricAlarms).toEqual([]);
    expect((await describeAll({})).CompositeAlarms).toEqual([]);
  });

  it('that are not there cannot be set', async () => {
    const command = new SetAlarmStateCommand({ AlarmName: 'nobody', StateValue: 'OK', StateReason: '' });
    await expect(cloudWatch.send(command)).rejects.toMatchObject({ name: 'ResourceNotFound' });
  });
});

it('metrics are answered by period, and so are formulas over them', async () => {
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  for (const [at, value] of [
    [minute - 120_000, 1],
    [minute - 61_000, 4],
    [minute - 60_000, 2],
  ] as const)
    metrics.add({ namespace: 'N', name: 'Requests', dimensions: { service: 'health' }, at, value });
  const Metric = { Namespace: 'N', MetricName: 'Requests', Dimensions: [{ Name: 'service', Value: 'health' }] };
  const { MetricDataResults } = await cloudWatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(minute - 180_000),
      EndTime: new Date(minute),
      ScanBy: 'TimestampAscending',
      MetricDataQueries: [
        { Id: 'requests', MetricStat: { Metric, Period: 60, Stat: 'Sum' } },
        { Id: 'e', Expression: 'FILL(requests, 0) * 2', Label: 'Twice' },
      ],
    }),
  );
  const times = [minute - 120_000, minute - 60_000].map((at) => new Date(at));
  expect(MetricDataResults).toMatchObject([
    { Id: 'requests', Label: 'Requests', Timestamps: times, Values: [5, 2] },
    { Id: 'e', Label: 'Twice', Values: [0, 10, 4] },
  ]);
});

describe('the lines of a function', () => {
  const find = async (filterPattern: string, more: object = {}) => {
    const logGroupName = '/aws/lambda/monitor';
    return cloudWatchLogs.send(new FilterLogEventsCommand({ logGroupName, filterPattern, ...more }));
  };
  const messages = async (pattern: string) => (await find(pattern)).events?.map(({ message }) => message);
  const failure = '{"level":"ERROR","message":"no answer","error":{"name":"TypeError"}}';

  beforeAll(() => {
    for (const line of ['plain words', failure, '{"level":"INFO","message":"done"}']) logs.add('monitor', line);
  });

  it.each<[string, number[]]>([
    ['', [0, 1, 2]],
    ['plain', [0]],
    ['words plain', [0]],
    ['"plain words"', [0]],
    ['"words plain"', []],
    ['?plain ?ERROR', [0, 1]],
    ['{ $.level = "ERROR" }', [1]],
    ['{ $.level != "ERROR" && $.message = "done" }', [2]],
    ['{ ($.error.name = "TypeError") || ($.level = "INFO") }', [1, 2]],
  ])('are found by the filter %s', async (pattern, found) => {
    const all = (await messages('')) ?? [];
    expect(await messages(pattern)).toEqual(found.map((index) => all[index]));
  });

  it('come by time and in pages', async () => {
    const first = await find('', { limit: 2 });
    expect(first.events).toHaveLength(2);
    const second = await find('', { limit: 2, nextToken: first.nextToken });
    expect(second).toMatchObject({ events: [{ message: expect.stringContaining('done') }] });
    expect(second.nextToken).toBeUndefined();
    expect((await find('', { startTime: Date.now() + 1_000 })).events).toEqual([]);
    expect((await find('', { endTime: Date.now() - 60_000 })).events).toEqual([]);
  });

  it('are refused for a filter that is not understood, and for a group that is not there', async () => {
    await expect(find('{ $.ms > 3 }')).rejects.toMatchObject({ name: 'InvalidParameterException' });
    const elsewhere = find('', { logGroupName: '/aws/lambda/nobody' });
    await expect(elsewhere).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
