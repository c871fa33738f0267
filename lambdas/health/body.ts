export type MonitorName = 'stale-job-monitor' | 'dlq-monitor';

export interface MonitorHealth {
  readonly status: 'up' | 'late' | 'down' | 'unknown';
  /** ISO 8601, as all times. */
  readonly last_run: string | null;
  readonly last_success: string | null;
}

/** The body of GET /api/health: anybody may read it, so that it holds no ids and no words but ours. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly timestamp: string;
  /** Seconds since the process that answers was started. */
  readonly uptime: number;
  /** Why it is not healthy, for a person. */
  readonly reasons: readonly string[];
  readonly services: {
    readonly database: { readonly status: 'up' | 'down'; readonly latency: number };
    readonly workers: {
      readonly status: 'up' | 'idle' | 'down' | 'unknown';
      readonly active_count: number | null;
      readonly stale_count: number | null;
    };
    readonly queue: {
      readonly status: 'up' | 'waiting' | 'unknown';
      readonly oldest_waiting_seconds: number | null;
    };
    readonly dlq: { readonly status: 'empty' | 'dead_letters' | 'unknown'; readonly count: number | null };
    readonly monitors: Readonly<Record<MonitorName, MonitorHealth>>;
  };
  readonly metrics: Readonly<
    Record<'jobs_pending' | 'jobs_in_progress' | 'jobs_completed_today' | 'jobs_failed_today', number | null>
  >;
}
