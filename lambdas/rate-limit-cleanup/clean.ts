import type { Database } from '../shared/database.ts';

/** What cleanup_rate_limit_records() deletes in one call. */
const BATCH = 10_000;
/** Kept free at the end of a run. */
const CLOSING_MS = 25_000;

export interface CleanOptions {
  readonly database: Database;
  readonly olderThanHours: number;
  readonly remainingMs: () => number;
}

export interface CleanReport {
  deleted: number;
  /** False where the time was over before the work: the next run goes on. */
  isDone: boolean;
}

/** Deletes old records batch after batch. What it has not the time for, the next run does. */
export async function cleanRecords({ database, olderThanHours, remainingMs }: CleanOptions): Promise<CleanReport> {
  const report: CleanReport = { deleted: 0, isDone: false };
  while (!report.isDone && remainingMs() > CLOSING_MS) {
    const deleted = await database.call<number>('cleanup_rate_limit_records', { older_than_hours: olderThanHours });
    report.deleted += deleted;
    report.isDone = deleted < BATCH;
  }
  return report;
}
