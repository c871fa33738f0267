import { alarmEvent } from './alarm-event.ts';
import type { AlarmPlan, AlarmState, MetricPlan } from './alarm-plan.ts';
import { type Datapoint, nextState, reasonFor } from './alarm-state.ts';
import type { InvocationResult } from './function-process.ts';
import { createMetrics, type Metrics, readMetrics } from './metrics.ts';

export type AlarmsOptions = {
  readonly plans: readonly AlarmPlan[];
  /** Periods of alarms are divided by this. */
  readonly timeScale: number;
  /** Visible messages by queue name. */
  readonly visibleMessages: () => readonly (readonly [queueName: string, count: number])[];
  /** Calls a function with an event. */
  readonly tell: (functionName: string, event: object) => Promise<unknown>;
};

export type AlarmReport = {
  readonly name: string;
  readonly state: AlarmState;
  readonly since: Date;
  readonly reason: string;
  /** False for an expression over several metrics: its state is what POST made it. */
  readonly evaluated: boolean;
};

type Status = Pick<AlarmReport, 'state' | 'since' | 'reason'>;

const LOOK_EVERY_MS = { least: 250, most: 5_000 };
const UNEVALUATED = 'An expression over several metrics is not evaluated locally';

/** The part of CloudWatch that watches: collects metrics, evaluates each alarm, and tells who wants to know. */
export function createAlarms({ plans, timeScale, visibleMessages, tell }: AlarmsOptions) {
  const startedAt = new Date();
  const scaled = plans.map((plan) => ({ ...plan, scaledPeriodMs: plan.periodMs / timeScale }));
  const evaluated = scaled.filter(({ metric }) => metric);
  const metrics = createMetrics(Math.max(0, ...evaluated.map(spanMs)));
  const statuses = new Map(scaled.map((plan) => [plan, initialStatus(plan, startedAt)]));
  const telling = new Map<string, Promise<unknown>>();

  function change(plan: ScaledAlarm, state: AlarmState, reason: string): readonly string[] {
    const from = (statuses.get(plan) as Status).state;
    if (state === from) return [];
    const at = new Date();
    statuses.set(plan, { state, since: at, reason });
    for (const functionName of plan.told[state]) {
      // One after the other: the function may have no concurrency to spare, and what it says stays in order.
      const before = telling.get(functionName) ?? Promise.resolve();
      const event = alarmEvent(plan, { from, to: state, reason, at });
      telling.set(
        functionName,
        before.then(() => tell(functionName, event)),
      );
    }
    return plan.told[state];
  }

  function evaluate(plan: ScaledAlarm, now: Date): void {
    const { state } = statuses.get(plan) as Status;
    const points = datapoints(plan, metrics, now);
    // Before the system was there, no data was missing.
    const isYoung = now.getTime() - startedAt.getTime() < spanMs(plan);
    const condition = isYoung ? { ...plan.condition, treatMissingData: 'ignore' } : plan.condition;
    const next = nextState(condition, points, state);
    const reason = reasonFor(plan.condition, points, next);
    // CloudWatch tells of a first OK too, once after a deploy; at each local start that would only hide what matters.
    if (state === 'INSUFFICIENT_DATA' && next === 'OK') statuses.set(plan, { state: next, since: now, reason });
    else change(plan, next, reason);
  }

  function look(): void {
    const now = new Date();
    for (const [QueueName, value] of visibleMessages()) {
      const metric = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName } };
      metrics.add({ ...metric, value, at: now.getTime() });
    }
    for (const plan of evaluated) evaluate(plan, now);
  }

  return {
    /** A line that a function printed: its metrics count. */
    onLine: (line: string): void => readMetrics(line).forEach(metrics.add),
    /** How an invocation ended, for the metric Errors of AWS/Lambda. One that was throttled never began. */
    onResult(FunctionName: string, result: InvocationResult): void {
      if (!result.ok && result.errorType === 'TooManyRequestsException') return;
      const metric = { namespace: 'AWS/Lambda', name: 'Errors', dimensions: { FunctionName } };
      metrics.add({ ...metric, value: result.ok ? 0 : 1, at: Date.now() });
    },
    list: (): AlarmReport[] =>
      [...statuses].map(([{ name, metric }, status]) => ({ name, ...status, evaluated: metric !== undefined })),
    /** What `aws cloudwatch set-alarm-state` does. Answers the functions that are told; undefined: no such alarm. */
    set(name: string, state: AlarmState, reason: string): readonly string[] | undefined {
      const plan = scaled.find((one) => one.name === name);
      return plan && change(plan, state, reason);
    },
    /** Evaluates from now on, until stopped. */
    start(): { stop(): Promise<void> } {
      const shortestMs = Math.min(...evaluated.map(({ scaledPeriodMs }) => scaledPeriodMs));
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

type ScaledAlarm = AlarmPlan & { readonly scaledPeriodMs: number };

function spanMs({ scaledPeriodMs, condition }: ScaledAlarm): number {
  return scaledPeriodMs * condition.evaluationPeriods;
}

function initialStatus({ metric }: AlarmPlan, since: Date): Status {
  return { state: 'INSUFFICIENT_DATA', since, reason: metric ? 'Unchecked: Initial alarm creation' : UNEVALUATED };
}

/** The statistic of each period of the alarm, the newest last. */
function datapoints({ metric, statistic, condition, scaledPeriodMs }: ScaledAlarm, metrics: Metrics, now: Date) {
  return Array.from({ length: condition.evaluationPeriods }, (_, index): Datapoint => {
    const to = now.getTime() - (condition.evaluationPeriods - 1 - index) * scaledPeriodMs;
    const value = metrics.statistic(metric as MetricPlan, statistic, { from: to - scaledPeriodMs, to });
    return { at: new Date(to), value };
  });
}
