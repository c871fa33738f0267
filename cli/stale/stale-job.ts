import { describeDuration } from '../../lambdas/shared/duration.ts';
import type { Cell } from '../text-table.ts';
import { textTable } from '../text-table.ts';

/** A job of list_stale_jobs(), as far as it is shown. */
export interface StaleJob {
  readonly id: string;
  readonly customer_id: string | null;
  readonly job_type: string | null;
  readonly worker_id: string | null;
  readonly reason: string;
  readonly stale_since: string;
  readonly recoveries: number;
  readonly held_at: string | null;
}

/** The answer of list_stale_jobs(): all are counted, the first are named. */
export interface StaleJobs {
  readonly stale: number;
  readonly jobs: readonly StaleJob[];
}

const HEADINGS = ['JOB', 'CUSTOMER', 'TYPE', 'WORKER', 'STALE FOR', 'REASON', 'RECOVERIES'];

export function staleJobsText({ stale, jobs }: StaleJobs, now: Date): string {
  if (stale === 0) return 'No stale jobs.';
  const rows = jobs.map((job): Cell[] => [
    job.id,
    job.customer_id,
    job.job_type,
    job.worker_id,
    describeDuration(now.getTime() - Date.parse(job.stale_since)),
    job.held_at ? `${job.reason}, on hold` : job.reason,
    job.recoveries,
  ]);
  const rest = stale - jobs.length;
  return `${textTable(HEADINGS, rows)}${rest > 0 ? `\n… and ${rest} more` : ''}`;
}
