import { type AlarmRule, parseAlarmRule } from './alarm-rule.ts';
import { planValue, type ValuePlan } from './alarm-value.ts';
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

type NamedAlarm = {
  readonly name: string;
  readonly description: string;
  /** The functions that hear of a change to this state. */
  readonly told: Readonly<Record<AlarmState, readonly string[]>>;
  /** As the template has it, for the event. */
  readonly properties: Readonly<Record<string, unknown>>;
};

export type MetricAlarmPlan = NamedAlarm & {
  readonly type: 'MetricAlarm';
  readonly value: ValuePlan;
  readonly periodMs: number;
  readonly condition: Condition;
};

export type CompositeAlarmPlan = NamedAlarm & {
  readonly type: 'CompositeAlarm';
  readonly rule: AlarmRule;
  /** While this alarm alarms, nobody is told. */
  readonly suppressor: SuppressorPlan | undefined;
};

export type SuppressorPlan = {
  readonly name: string;
  /** It may come so much later … */
  readonly waitMs: number;
  /** … and end so much earlier. */
  readonly extensionMs: number;
};

export type AlarmPlan = MetricAlarmPlan | CompositeAlarmPlan;

/** A resource's logical id and its resolved properties. */
export type Resolved = readonly [logicalId: string, properties: Readonly<Record<string, unknown>>];

export type AlarmResources = {
  readonly alarms: readonly Resolved[];
  readonly composites: readonly Resolved[];
  readonly topics: readonly Resolved[];
  readonly subscriptions: readonly Resolved[];
  readonly targets: FunctionTargets;
};

function toldBy(follow: (property: string) => readonly string[]): NamedAlarm['told'] {
  return {
    ALARM: follow('AlarmActions'),
    OK: follow('OKActions'),
    INSUFFICIENT_DATA: follow('InsufficientDataActions'),
  };
}

/** Each alarm with the functions at the end of its actions. An action that ends nowhere is an error that names it. */
export function planAlarms({ alarms, composites, topics, subscriptions, targets }: AlarmResources): AlarmPlan[] {
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
  const named = ([logicalId, properties]: Resolved): NamedAlarm => ({
    name: String(properties['AlarmName']),
    description: String(properties['AlarmDescription'] ?? ''),
    told: toldBy((property) => follow(logicalId, properties[property])),
    properties,
  });
  return [
    ...alarms.map((alarm): AlarmPlan => ({ ...named(alarm), ...planMetricAlarm(alarm) })),
    ...composites.map((alarm): AlarmPlan => ({ ...named(alarm), ...planCompositeAlarm(alarm) })),
  ];
}

function planMetricAlarm([logicalId, properties]: Resolved) {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, TreatMissingData = 'missing' } = properties;
  const { value, periodMs } = planValue(logicalId, properties);
  return {
    type: 'MetricAlarm' as const,
    value,
    periodMs,
    condition: {
      threshold: Number(properties['Threshold']),
      comparison: String(properties['ComparisonOperator']),
      evaluationPeriods: Number(EvaluationPeriods),
      datapointsToAlarm: Number(DatapointsToAlarm),
      treatMissingData: String(TreatMissingData),
    },
  };
}

function planCompositeAlarm([, properties]: Resolved) {
  const { AlarmRule, ActionsSuppressor } = properties;
  const { ActionsSuppressorWaitPeriod = 0, ActionsSuppressorExtensionPeriod = 0 } = properties;
  const suppressor = {
    name: alarmName(String(ActionsSuppressor)),
    waitMs: Number(ActionsSuppressorWaitPeriod) * 1_000,
    extensionMs: Number(ActionsSuppressorExtensionPeriod) * 1_000,
  };
  return {
    type: 'CompositeAlarm' as const,
    rule: parseAlarmRule(String(AlarmRule)),
    suppressor: ActionsSuppressor === undefined ? undefined : suppressor,
  };
}

/** Alarms name each other by their names or by their ARNs. */
export function alarmName(nameOrArn: string): string {
  return nameOrArn.replace(/^arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:/, '');
}
