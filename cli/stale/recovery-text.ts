import type { Recovery } from '../../lambdas/stale-job-monitor/recover.ts';
import { textTable } from '../text-table.ts';

/** A row of recover_stale_jobs() or of recover_stale_job(), as far as it is shown. */
export type ShownRecovery = Pick<Recovery, 'job_id' | 'reason' | 'error' | 'breaker_open'> & {
  readonly action: Recovery['action'] | 'release';
  readonly customer_id: string | null;
  readonly recoveries: number;
};

/** What each action does, in the words of a plan and of a report. */
const ACTIONS: Readonly<Record<ShownRecovery['action'], readonly [plan: string, done: string]>> = {
  requeue: ['put back to work', 'put back to work'],
  fail: ['fail: its policy allows no further recovery', 'failed: its policy allows no further recovery'],
  hold: ['hold for a person: its policy says so', 'on hold for a person: its policy says so'],
  cancel: ['cancel, as was requested', 'cancelled, as was requested'],
  release: ['release from hold, back to work', 'released from hold, back to work'],
  error: ['cannot be recovered', 'could not be recovered'],
};

export function recoveriesText(recoveries: readonly ShownRecovery[], tense: 'plan' | 'done'): string {
  if (recoveries.length === 0) return 'No stale jobs to recover.';
  const rows = recoveries.map(({ job_id, customer_id, reason, action, error, recoveries: count }) => [
    job_id,
    customer_id,
    reason,
    count,
    `${ACTIONS[action][tense === 'plan' ? 0 : 1]}${error ? `: ${error}` : ''}`,
  ]);
  const table = textTable(['JOB', 'CUSTOMER', 'REASON', 'RECOVERIES', tense === 'plan' ? 'WOULD' : 'DONE'], rows);
  return recoveries.some(({ breaker_open }) => breaker_open) ? `${table}\n\n${OUTAGE}` : table;
}

const OUTAGE =
  'Most of the running jobs are stale at once: that is an outage of the workers. Only a few jobs are recovered until it ends.';
