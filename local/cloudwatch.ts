import { computeValue, type MetricQuery, planQuery } from './alarm-value.ts';
import type { AlarmReport, Alarms } from './alarms.ts';
import { AwsError } from './aws-error.ts';
import type { Actions } from './control-plane.ts';
import type { Metrics } from './metrics.ts';
import { alarmArn } from './template-scope.ts';

const SERVICE = 'GraniteServiceVersion20100801';

/** CloudWatch as operators ask it: the alarms with their states, and what the metrics were. */
export function cloudWatchActions(alarms: Alarms, metrics: Metrics): Actions {
  return {
    [`${SERVICE}.DescribeAlarms`]: (query: DescribeAlarms) => describeAlarms(alarms.list(), query),
    [`${SERVICE}.SetAlarmState`]: ({ AlarmName, StateValue, StateReason }: SetAlarmState) => {
      if (alarms.set(AlarmName, StateValue, StateReason)) return {};
      throw new AwsError('ResourceNotFound', `There is no alarm ${AlarmName}`, 404);
    },
    [`${SERVICE}.GetMetricData`]: ({ MetricDataQueries, StartTime, EndTime, ScanBy }: GetMetricData) => ({
      MetricDataResults: MetricDataQueries.filter(({ ReturnData = true }) => ReturnData).map((query) =>
        metricData(metrics, MetricDataQueries, query, {
          from: StartTime * 1_000,
          to: EndTime * 1_000,
          newestFirst: ScanBy !== 'TimestampAscending',
        }),
      ),
      Messages: [],
    }),
  };
}

type SetAlarmState = { AlarmName: string; StateValue: AlarmReport['state']; StateReason: string };

type DescribeAlarms = {
  AlarmNames?: string[];
  AlarmNamePrefix?: string;
  AlarmTypes?: string[];
  StateValue?: string;
};

function describeAlarms(all: readonly AlarmReport[], query: DescribeAlarms): object {
  const { AlarmNames = [], AlarmNamePrefix = '', AlarmTypes = ['MetricAlarm'], StateValue } = query;
  const found = all.filter(
    ({ name, state }) =>
      (AlarmNames.length === 0 || AlarmNames.includes(name)) &&
      name.startsWith(AlarmNamePrefix) &&
      (StateValue === undefined || state === StateValue),
  );
  const ofType = (type: string) => (AlarmTypes.includes(type) ? found.filter((alarm) => alarm.type === type) : []);
  return {
    MetricAlarms: ofType('MetricAlarm').map(alarmJson),
    CompositeAlarms: ofType('CompositeAlarm').map(alarmJson),
  };
}

function alarmJson({ name, description, state, since, reason, properties }: AlarmReport): object {
  const at = since.getTime() / 1_000;
  return {
    ...properties,
    AlarmName: name,
    AlarmArn: alarmArn(name),
    AlarmDescription: description,
    ActionsEnabled: true,
    StateValue: state,
    StateReason: reason,
    StateUpdatedTimestamp: at,
    StateTransitionedTimestamp: at,
  };
}

type LabelledQuery = MetricQuery & { Label?: string; Period?: number };
type GetMetricData = { MetricDataQueries: LabelledQuery[]; StartTime: number; EndTime: number; ScanBy?: string };
type Span = { from: number; to: number; newestFirst: boolean };

/** A value for each period that has any; timestamps are those of the periods' beginnings. */
function metricData(metrics: Metrics, queries: LabelledQuery[], query: LabelledQuery, { from, to, newestFirst }: Span) {
  const { Id, Label, MetricStat, Period = queries.find((one) => one.MetricStat)?.MetricStat?.Period } = query;
  const periodMs = (MetricStat?.Period ?? Period ?? 300) * 1_000;
  const plan = planQuery(query, queries);
  const first = Math.floor(from / periodMs) * periodMs;
  const points = Array.from({ length: Math.max(0, Math.ceil((to - first) / periodMs)) }, (_, index) => {
    const start = first + index * periodMs;
    // A period holds its first moment and not its last.
    return { at: start / 1_000, value: computeValue(plan, metrics, { from: start - 1, to: start + periodMs - 1 }) };
  }).filter(({ value }) => value !== undefined);
  if (newestFirst) points.reverse();
  return {
    Id,
    Label: Label ?? MetricStat?.Metric.MetricName ?? Id,
    Timestamps: points.map(({ at }) => at),
    Values: points.map(({ value }) => value),
    StatusCode: 'Complete',
  };
}
