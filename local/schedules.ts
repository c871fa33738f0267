import type { SchedulePlan } from './template.ts';

/** So soon after the start that a newcomer sees something happen; in AWS it is one period after the deploy. */
const FIRST_RUN_MS = 2_000;
const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The period of an EventBridge `rate(…)` expression. Anything else is an error that names it. */
export function periodMs(expression: string): number {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count && unit && Number(count) > 0) return Number(count) * (UNIT_MS[unit] as number);
  throw new Error(`The local system understands rate(n minutes|hours|days), not ${expression}`);
}

export type ScheduleOptions = {
  readonly schedules: readonly SchedulePlan[];
  /** Periods are divided by this: 60 turns minutes into seconds. */
  readonly timeScale: number;
  readonly run: (functionName: string, input: unknown) => Promise<unknown>;
  /** Told the rule of each run that is over, so that nothing counts it while it may still do well. */
  readonly onRun?: (logicalId: string) => void;
  readonly onError: (functionName: string, error: unknown) => void;
};

/** Runs each schedule soon after the start and then at its period, until stopped. A run that is still going is not joined by a second one. */
export function startSchedules({ schedules, timeScale, run, onRun, onError }: ScheduleOptions): {
  stop(): Promise<void>;
} {
  const running = new Map<SchedulePlan, Promise<unknown>>();
  const tick = (schedule: SchedulePlan) => {
    if (running.has(schedule)) return;
    const done = run(schedule.functionName, schedule.input)
      .catch((error) => onError(schedule.functionName, error))
      .finally(() => {
        running.delete(schedule);
        onRun?.(schedule.logicalId);
      });
    running.set(schedule, done);
  };
  const timers = schedules.flatMap((schedule) => [
    setTimeout(tick, FIRST_RUN_MS, schedule),
    setInterval(tick, periodMs(schedule.expression) / timeScale, schedule),
  ]);
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}
