import type { Database } from '../shared/database.ts';

/** A row of recover_stale_jobs(). */
export interface Recovery {
  readonly job_id: string;
  readonly action: 'requeue' | 'fail' | 'hold' | 'cancel' | 'error';
  readonly reason: string | null;
  readonly error: string | null;
  readonly breaker_open: boolean;
}

export interface RecoverySettings {
  readonly thresholdMinutes: number;
  readonly batchSize: number;
  readonly breakerMinRunning: number;
  readonly breakerShare: number;
  readonly canarySize: number;
}

export interface RecoverOptions {
  readonly database: Database;
  readonly settings: RecoverySettings;
  readonly runId: string;
  readonly remainingMs: () => number;
}

/**
 * Recovers stale jobs batch after batch until none is left, or one slice of them in an outage.
 * @param all gets each batch as it comes, so that what was recovered before an error is told as well
 */
export async function recoverAll(options: RecoverOptions, all: Recovery[]): Promise<void> {
  const { database, settings, runId, remainingMs } = options;
  while (remainingMs() > 0) {
    const batch = await database.call<Recovery[]>('recover_stale_jobs', {
      threshold_minutes: settings.thresholdMinutes,
      batch_limit: settings.batchSize,
      run_id: runId,
      breaker_min_running: settings.breakerMinRunning,
      breaker_share: settings.breakerShare,
      canary_size: settings.canarySize,
      // A job that could not be recovered must not come back at the head of each batch and starve the rest.
      except_ids: all.filter(({ action }) => action === 'error').map(({ job_id }) => job_id),
    });
    all.push(...batch);
    const isOutage = batch.some((row) => row.breaker_open);
    // One slice is enough, but a slice of jobs that cannot be recovered is none: it would be the same in every run.
    if (isOutage ? batch.some(({ action }) => action !== 'error') : batch.length < settings.batchSize) break;
  }
}
