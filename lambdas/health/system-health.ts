/** What system_health() answers. Ages are in seconds on the database's clock. */
export interface SystemHealth {
  readonly jobs_pending: number;
  readonly jobs_in_progress: number;
  readonly jobs_completed_today: number;
  readonly jobs_failed_today: number;
  readonly workers_active: number;
  readonly stale_jobs: number;
  /** Of the jobs that a worker could take now; null when none waits. */
  readonly oldest_pending_seconds: number | null;
  /** As the dlq-monitor counted them last; null before its first count. */
  readonly dead_letters: number | null;
  readonly seconds_since_dead_letters: number | null;
  readonly monitors: readonly MonitorRuns[];
}

export interface MonitorRuns {
  readonly monitor: string;
  /** The end of the last run, well or not; null before the first. */
  readonly last_run: string | null;
  readonly last_success: string | null;
  readonly seconds_since_run: number | null;
  readonly seconds_since_success: number | null;
}
