import type { FunctionTargets } from './function-targets.ts';
import { topicArn } from './template-scope.ts';

export type AlarmState = 'ALARM' | 'OK' | 'INSUFFICIENT_DATA';

/** One metric, as an alarm names it. */
export type MetricPlan = {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
};

/** When values of the metric alarm. The words are CloudFormation's. */
export type Condition = {
  readonly threshold: number;
  readonly comparison: string;
  readonly evaluationPeriods: number;
  /** So many of the periods must breach. */
  readonly datapointsToAlarm: number;
  readonly treatMissingData: string;
};

export type AlarmPlan = {
  readonly name: string;
  readonly description: string;
  /** The functions that hear of a change to this state. */
  readonly told: Readonly<Record<AlarmState, readonly string[]>>;
  /** Undefined for an alarm on an expression over several metrics. */
  readonly metric: MetricPlan | undefined;
  readonly statistic: string;
  readonly periodMs: number;
  readonly condition: Condition;
  /** As the template has it, for the event. */
  readonly properties: Readonly<Record<string, unknown>>;
};

/** A resource's logical id and its resolved properties. */
export type Resolved = readonly [logicalId: string, properties: Readonly<Record<string, unknown>>];

export type AlarmResources = {
  readonly alarms: readonly Resolved[];
  readonly topics: readonly Resolved[];
  readonly subscriptions: readonly Resolved[];
  readonly targets: FunctionTargets;
};

const ACTIONS: readonly [AlarmState, property: string][] = [
  ['ALARM', 'AlarmActions'],
  ['OK', 'OKActions'],
  ['INSUFFICIENT_DATA', 'InsufficientDataActions'],
];

/** Each alarm with the functions at the end of its actions. An action that ends nowhere is an error that names it. */
export function planAlarms({ alarms, topics, subscriptions, targets }: AlarmResources): AlarmPlan[] {
  const subscribers = new Map(topics.map(([, { TopicName }]) => [topicArn(String(TopicName)), [] as string[]]));
  for (const [logicalId, { Protocol, TopicArn, Endpoint }] of subscriptions) {
    const list = subscribers.get(String(TopicArn));
    if (!list) throw new Error(`${logicalId}: its topic ${TopicArn} is not in the template`);
    if (Protocol === 'email') continue; // nothing leaves this machine
    const target = targets.get(String(Endpoint));
    if (Protocol !== 'lambda' || !target) {
      throw new Error(
        `${logicalId}: the local system understands functions of this stack, not ${Protocol} ${Endpoint}`,
      );
    }
    list.push(target);
  }
  const follow = (logicalId: string, actions: unknown) =>
    ((actions ?? []) as string[]).flatMap((arn) => {
      const reached = subscribers.get(arn) ?? [];
      if (reached.length === 0) throw new Error(`${logicalId}: its action ${arn} reaches no function of this stack`);
      return reached;
    });
  return alarms.map((alarm) => planAlarm(alarm, follow));
}

function planAlarm([logicalId, properties]: Resolved, follow: (logicalId: string, actions: unknown) => string[]) {
  const { AlarmName, AlarmDescription = '', Namespace, MetricName, Dimensions = [], Statistic, Period } = properties;
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, TreatMissingData = 'missing' } = properties;
  const dimensions = (Dimensions as { Name: string; Value: string }[]).map(({ Name, Value }) => [Name, Value]);
  const told = ACTIONS.map(([state, property]) => [state, follow(logicalId, properties[property])]);
  return {
    name: String(AlarmName),
    description: String(AlarmDescription),
    told: Object.fromEntries(told),
    metric:
      MetricName === undefined
        ? undefined
        : { namespace: String(Namespace), name: String(MetricName), dimensions: Object.fromEntries(dimensions) },
    statistic: String(Statistic),
    periodMs: Number(Period) * 1_000,
    condition: {
      threshold: Number(properties['Threshold']),
      comparison: String(properties['ComparisonOperator']),
      evaluationPeriods: Number(EvaluationPeriods),
      datapointsToAlarm: Number(DatapointsToAlarm),
      treatMissingData: String(TreatMissingData),
    },
    properties,
  };
}
