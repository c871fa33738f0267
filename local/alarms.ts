import { alarmEvent } from './alarm-event.ts';
import {
  type AlarmPlan,
  type AlarmState,
  alarmName,
  type CompositeAlarmPlan,
  type MetricAlarmPlan,
} from './alarm-plan.ts';
import { type Datapoint, nextState, reasonFor } from './alarm-state.ts';
import { computeValue } from './alarm-value.ts';
import { queueSamples } from './aws-metrics.ts';
import type { Metrics } from './metrics.ts';
import { isHeldBack } from './suppression.ts';
import { alarmArn } from './template-scope.ts';

export type AlarmsOptions = {
  readonly plans: readonly AlarmPlan[];
  readonly metrics: Metrics;
  /** Periods of alarms are divided by this. */
  readonly timeScale: number;
  /** Visible messages by queue name. */
  readonly visibleMessages: () => readonly (readonly [queueName: string, count: number])[];
  /** Calls a function with an event. */
  readonly tell: (functionName: string, event: object) => Promise<unknown>;
};

export type AlarmReport = Pick<AlarmPlan, 'name' | 'type' | 'description' | 'properties'> & Status;

export type Status = { readonly state: AlarmState; readonly since: Date; readonly reason: string };

/** An alarm and what is known of it. */
export type Watched<P extends AlarmPlan = AlarmPlan> = {
  readonly plan: P;
  status: Status;
  /** The state that people were told last. */
  toldState: AlarmState;
  /** When it last ceased to alarm. */
  endedAt: Date | undefined;
  /** What the rule of a composite alarm said last. */
  ruleHeld: boolean | undefined;
};

const LOOK_EVERY_MS = { least: 250, most: 5_000 };

/** The part of CloudWatch that watches: evaluates each alarm, and tells who wants to know. */
export function createAlarms({ plans, metrics, timeScale, visibleMessages, tell }: AlarmsOptions) {
  const startedAt = new Date();
  const all = plans.map(
    (plan): Watched => ({
      plan,
      status: { state: 'INSUFFICIENT_DATA', since: startedAt, reason: 'Unchecked: Initial alarm creation' },
      toldState: 'INSUFFICIENT_DATA',
      endedAt: undefined,
      ruleHeld: undefined,
    }),
  );
  const byName = new Map(all.map((alarm) => [alarm.plan.name, alarm]));
  const telling = new Map<string, Promise<unknown>>();
  const find = (nameOrArn: string): Watched => {
    const found = byName.get(alarmName(nameOrArn));
    if (!found) throw new Error(`There is no alarm ${nameOrArn}, which another one names`);
    return found;
  };

  /** Tells the state that an alarm is in, unless that was told or is held back. */
  function speak(alarm: Watched): readonly string[] {
    const { plan, status } = alarm;
    // CloudWatch tells of a first OK too, once after a deploy; at each local start that would only hide what matters.
    if (alarm.toldState === 'INSUFFICIENT_DATA' && status.state === 'OK') alarm.toldState = 'OK';
    if (status.state === alarm.toldState || isHeldBack(alarm, find, timeScale)) return [];
    const { state: to, reason, since: at } = status;
    const event = alarmEvent(plan, { from: alarm.toldState, to, reason, at });
    alarm.toldState = to;
    for (const functionName of plan.told[to]) {
      // One after the other: the function may have no concurrency to spare, and what it says stays in order.
      const before = telling.get(functionName) ?? Promise.resolve();
      telling.set(
        functionName,
        before.then(() => tell(functionName, event)),
      );
    }
    return plan.told[to];
  }

  function look(): void {
    const now = new Date();
    for (const [name, visible] of visibleMessages()) queueSamples(name, visible).forEach(metrics.add);
    for (const alarm of all) if (isMetricAlarm(alarm)) evaluateMetric(alarm, metrics, { now, startedAt, timeScale });
    for (const alarm of all) if (isComposite(alarm)) evaluateRule(alarm, find, now);
    for (const alarm of all) speak(alarm);
  }

  return {
    list: (): AlarmReport[] =>
      all.map(({ plan: { name, type, description, properties }, status }) => ({
        ...{ name, type, description, properties },
        ...status,
      })),
    /** What `aws cloudwatch set-alarm-state` does. Answers the functions that are told at once; undefined: no such alarm. */
    set(name: string, state: AlarmState, reason: string): readonly string[] | undefined {
      const alarm = byName.get(name);
      if (alarm) enter(alarm, state, reason, new Date());
      return alarm && speak(alarm);
    },
    /** Evaluates from now on, until stopped. */
    start(): { stop(): Promise<void> } {
      const shortestMs = Math.min(...all.filter(isMetricAlarm).map(({ plan }) => plan.periodMs / timeScale));
      const timer = setInterval(look, Math.min(LOOK_EVERY_MS.most, Math.max(LOOK_EVERY_MS.least, shortestMs / 4)));
      return {
        async stop() {
          clearInterval(timer);
          await Promise.all(telling.values());
        },
      };
    },
  };
}

export type Alarms = ReturnType<typeof createAlarms>;

function isMetricAlarm(alarm: Watched): alarm is Watched<MetricAlarmPlan> {
  return alarm.plan.type === 'MetricAlarm';
}

function isComposite(alarm: Watched): alarm is Watched<CompositeAlarmPlan> {
  return alarm.plan.type === 'CompositeAlarm';
}

function enter(alarm: Watched, state: AlarmState, reason: string, at: Date): void {
  const { state: before } = alarm.status;
  if (state === before) return;
  alarm.status = { state, since: at, reason };
  if (before === 'ALARM') alarm.endedAt = at;
}

type Moment = { readonly now: Date; readonly startedAt: Date; readonly timeScale: number };

function evaluateMetric(
  alarm: Watched<MetricAlarmPlan>,
  metrics: Metrics,
  { now, startedAt, timeScale }: Moment,
): void {
  const { condition, value, periodMs } = alarm.plan;
  const scaledMs = periodMs / timeScale;
  /** Of each of its periods, the newest last. */
  const points = Array.from({ length: condition.evaluationPeriods }, (_, index): Datapoint => {
    const to = now.getTime() - (condition.evaluationPeriods - 1 - index) * scaledMs;
    return { at: new Date(to), value: computeValue(value, metrics, { from: to - scaledMs, to }) };
  });
  // Before the system was there, no data was missing.
  const isYoung = now.getTime() - startedAt.getTime() < scaledMs * condition.evaluationPeriods;
  const { state } = alarm.status;
  const next = nextState(isYoung ? { ...condition, treatMissingData: 'ignore' } : condition, points, state);
  if (next !== state) enter(alarm, next, reasonFor(condition, points, next), now);
}

/** Only a rule that turns changes the state, so that one set by hand stays until then. */
function evaluateRule(alarm: Watched<CompositeAlarmPlan>, find: (name: string) => Watched, now: Date): void {
  const children: Watched[] = [];
  const holds = alarm.plan.rule((name) => {
    const child = find(name);
    children.push(child);
    return child.status.state;
  });
  if (holds === alarm.ruleHeld) return;
  alarm.ruleHeld = holds;
  enter(alarm, holds ? 'ALARM' : 'OK', compositeReason(children), now);
}

/** The child that changed last, in CloudWatch's words. */
function compositeReason(children: readonly Watched[]): string {
  const last = children.toSorted((a, b) => b.status.since.getTime() - a.status.since.getTime())[0];
  if (!last) return 'Its rule names no alarm';
  const { state, since } = last.status;
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' }).format(since);
  return `${alarmArn(last.plan.name)} transitioned to ${state} at ${day} ${since.toISOString().slice(11, 19)} UTC`;
}
