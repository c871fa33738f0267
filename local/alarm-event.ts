import { randomUUID } from 'node:crypto';
import type { AlarmPlan, AlarmState, MetricAlarmPlan } from './alarm-plan.ts';
import { ACCOUNT_ID, alarmArn } from './template-scope.ts';

export type StateChange = {
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly reason: string;
  readonly at: Date;
};

/** What a function that subscribes to the alarm's topic is called with. */
export function alarmEvent(alarm: AlarmPlan, change: StateChange): object {
  const { to, at } = change;
  const [topic = ''] = [alarm.properties['AlarmActions'], alarm.properties['OKActions']].flat() as string[];
  return {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: `${topic}:${randomUUID()}`,
        Sns: {
          Type: 'Notification',
          MessageId: randomUUID(),
          TopicArn: topic,
          Subject: `${to}: "${alarm.name}" in US East (N. Virginia)`,
          Message: JSON.stringify(alarmMessage(alarm, change)),
          Timestamp: at.toISOString(),
          MessageAttributes: {},
        },
      },
    ],
  };
}

/**
 * The JSON that CloudWatch publishes.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html
 */
function alarmMessage(alarm: AlarmPlan, { from, to, reason, at }: StateChange): object {
  const { AlarmActions = [], OKActions = [], InsufficientDataActions = [] } = alarm.properties;
  return {
    AlarmName: alarm.name,
    AlarmDescription: alarm.description,
    AWSAccountId: ACCOUNT_ID,
    NewStateValue: to,
    NewStateReason: reason,
    StateChangeTime: at.toISOString().replace('Z', '+0000'),
    Region: 'US East (N. Virginia)',
    AlarmArn: alarmArn(alarm.name),
    OldStateValue: from,
    OKActions,
    AlarmActions,
    InsufficientDataActions,
    ...(alarm.type === 'MetricAlarm' ? { Trigger: trigger(alarm) } : { AlarmRule: alarm.properties['AlarmRule'] }),
  };
}

function trigger({ value, periodMs, condition, properties }: MetricAlarmPlan): object {
  const shared = {
    EvaluationPeriods: condition.evaluationPeriods,
    DatapointsToAlarm: condition.datapointsToAlarm,
    ComparisonOperator: condition.comparison,
    Threshold: condition.threshold,
    TreatMissingData: condition.treatMissingData,
    EvaluateLowSampleCountPercentile: '',
  };
  if (!('metric' in value)) return { ...shared, Metrics: properties['Metrics'] };
  const { metric, statistic } = value;
  const isExtended = properties['ExtendedStatistic'] !== undefined;
  return {
    ...shared,
    MetricName: metric.name,
    Namespace: metric.namespace,
    StatisticType: isExtended ? 'ExtendedStatistic' : 'Statistic',
    ...(isExtended ? { ExtendedStatistic: statistic } : { Statistic: statistic.toUpperCase() }),
    Unit: null,
    Dimensions: Object.entries(metric.dimensions).map(([name, dimension]) => ({ value: dimension, name })),
    Period: periodMs / 1_000,
  };
}
