import { alarmEvent } from './alarm-event.ts';
import type { AlarmPlan, AlarmState, MetricPlan } from './alarm-plan.ts';
import { nextState, reasonFor } from './alarm-state.ts';
import type { InvocationResult } from './function-process.ts';
import { createMetrics, readMetrics } from './metrics.ts';

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
  const startedAt = Date.now();
  const spanMs = ({ periodMs, condition }: AlarmPlan) => (periodMs * condition.evaluationPeriods) / timeScale;
  const evaluated = plans.filter(({ metric }) => metric);
  const metrics = createMetrics(Math.max(0, ...evaluated.map(spanMs)));
  const initial = ({ metric }: AlarmPlan): Status => ({
    state: 'INSUFFICIENT_DATA',
    since: new Date(startedAt),
    reason: metric ? 'Unchecked: Initial alarm creation' : UNEVALUATED,
  });
  const statuses = new Map(plans.map((plan) => [plan, initial(plan)]));
  const telling = new Map<string, Promise<unknown>>();

  function change(plan: AlarmPlan, state: AlarmState, reason: string, isQuiet = false): readonly string[] {
    const from = (statuses.get(plan) as Status).state;
    const at = new Date();
    if (state === from) return [];
    statuses.set(plan, { state, since: at, reason });
    const told = isQuiet ? [] : plan.told[state];
    for (const functionName of told) {
      // One after the other: the function may have no concurrency to spare, and what it says stays in order.
      const before = telling.get(functionName) ?? Promise.resolve();
      const event = alarmEvent(plan, { from, to: state, reason, at });
      telling.set(
        functionName,
        before.then(() => tell(functionName, event)),
      );
    }
    return told;
  }

  function evaluate(plan: AlarmPlan, metric: MetricPlan, now: Date): void {
    const { state } = statuses.get(plan) as Status;
    const periodMs = plan.periodMs / timeScale;
    const ends = Array.from(
      { length: plan.condition.evaluationPeriods },
      (_, index) => now.getTime() - index * periodMs,
    );
    const values = ends.reverse().map((to) => metrics.statistic(metric, plan.statistic, { from: to - periodMs, to }));
    // Before the system was there, no data was missing.
    const isYoung = now.getTime() - startedAt < spanMs(plan);
    const condition = isYoung ? { ...plan.condition, treatMissingData: 'ignore' } : plan.condition;
    const next = nextState(condition, values, state);
    // CloudWatch tells of this too, once after each deploy; at each local start it would only hide what matters.
    const isFirstOk = state === 'INSUFFICIENT_DATA' && next === 'OK';
    change(plan, next, reasonFor(plan.condition, values, next, now), isFirstOk);
  }

  function look(): void {
    const now = new Date();
    for (const [QueueName, value] of visibleMessages()) {
      const metric = { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName } };
      metrics.add({ ...metric, value, at: now.getTime() });
    }
    for (const plan of evaluated) evaluate(plan, plan.metric as MetricPlan, now);
  }

  return {
    /** A line that a function printed: its metrics count. */
    onLine(line: string): void {
      for (const sample of readMetrics(line)) metrics.add(sample);
    },
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
      const plan = plans.find((one) => one.name === name);
      return plan && change(plan, state, reason);
    },
    /** Evaluates from now on, until stopped. */
    start(): { stop(): Promise<void> } {
      const shortestMs = Math.min(...evaluated.map(({ periodMs }) => periodMs / timeScale));
      const everyMs = Math.min(LOOK_EVERY_MS.most, Math.max(LOOK_EVERY_MS.least, shortestMs / 4));
      const timer = setInterval(look, everyMs);
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
