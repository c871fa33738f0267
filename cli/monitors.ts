import type { Settings } from '../lib/settings.ts';

/** A monitor as system_health() has it. */
export interface MonitorAge {
  readonly monitor: string;
  readonly seconds_since_run: number | null;
  readonly seconds_since_success: number | null;
}

/** The answer of system_health(), as far as it is read here. */
export interface SystemHealth {
  readonly jobs_pending: number;
  readonly jobs_in_progress: number;
  readonly jobs_completed_today: number;
  readonly jobs_failed_today: number;
  readonly workers_active: number;
  readonly stale_jobs: number;
  readonly oldest_pending_seconds: number | null;
  readonly monitors: readonly MonitorAge[];
}

/** For a cold start and a slow minute of EventBridge. */
const GRACE_SECONDS = 60;

export type MonitorState = 'up' | 'late' | 'failing' | 'never ran';

/** Whether a monitor ran well within its period, and if not, whether it runs at all. */
export function stateOf(age: MonitorAge | undefined, periodMinutes: number): MonitorState {
  const mostSeconds = periodMinutes * 60 + GRACE_SECONDS;
  const isWithin = (seconds: number | null | undefined) => seconds != null && seconds <= mostSeconds;
  if (age?.seconds_since_run == null) return 'never ran';
  if (isWithin(age.seconds_since_success)) return 'up';
  return isWithin(age.seconds_since_run) ? 'failing' : 'late';
}

/** The monitors by name, with the minutes from one run to the next. */
export function monitorPeriods(settings: Settings): ReadonlyMap<string, number> {
  return new Map([
    ['stale-job-monitor', settings.STALE_CHECK_MINUTES],
    ['dlq-monitor', settings.DLQ_CHECK_MINUTES],
  ]);
}
