import { judgeMonitor } from '../lambdas/health/monitor-state.ts';
import type { SystemHealth } from '../lambdas/health/system-health.ts';
import type { Settings } from '../lib/settings.ts';

/** One of the two monitors, judged as GET /api/health does it. */
export interface Monitor {
  readonly monitor: string;
  readonly status: string;
  /** Where it is not up. */
  readonly reason?: string;
  readonly seconds_since_success: number | null;
  /** It runs, and its last run did not go well. */
  readonly is_failing: boolean;
}

export function judgeMonitors({ monitors }: SystemHealth, settings: Settings): Monitor[] {
  return [...monitorPeriods(settings)].map(([monitor, periodMinutes]) => {
    const runs = monitors.find((one) => one.monitor === monitor);
    const { status, reason } = judgeMonitor(monitor, runs, periodMinutes);
    return {
      monitor,
      status,
      reason,
      seconds_since_success: runs?.seconds_since_success ?? null,
      is_failing: runs?.last_run != null && runs.last_run !== runs.last_success,
    };
  });
}

/** The monitors by name, with the minutes from one run to the next. */
export function monitorPeriods(settings: Settings): ReadonlyMap<string, number> {
  return new Map([
    ['stale-job-monitor', settings.STALE_CHECK_MINUTES],
    ['dlq-monitor', settings.DLQ_CHECK_MINUTES],
  ]);
}
