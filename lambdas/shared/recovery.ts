import { type Html, html, nothing } from './html.ts';

/** The answer of recover_stale_job(). */
export interface OneRecovery {
  readonly job_id: string;
  readonly action: string;
  readonly lease_before: number;
  readonly lease_after: number;
  readonly recoveries: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The job that a button names; undefined where it names none. */
export function jobIdOf(params: Readonly<Record<string, unknown>>): string | undefined {
  const id = params['jobId'];
  return typeof id === 'string' && UUID.test(id) ? id : undefined;
}

/** What becomes of the job: by each action of recover_stale_job(), what will be and what was done. */
const CONSEQUENCES: Readonly<Record<string, readonly [willBe: string, was: string]>> = {
  requeue: ['It would be put back to pending.', 'It is pending again.'],
  release: [
    'It would be released from its hold, and be pending again.',
    'It is released from its hold, and pending again.',
  ],
  hold: [
    'Its type’s policy says: hold. It would be put on hold, for you to decide.',
    'Its type’s policy says: hold. It is on hold now; press Release to run it again.',
  ],
  fail: [
    'It would fail: it was recovered too often, or its type may never run twice.',
    'It has failed: it was recovered too often, or its type may never run twice.',
  ],
  cancel: ['Its end was asked for: it would end as failed.', 'Its end was asked for: it has ended, as failed.'],
};

/** What a recovery would do, or has done, and when its message goes out: with a run of the stale-job-monitor. */
export function consequence({ action, recoveries }: OneRecovery, isDone: boolean, checkMinutes: number): Html {
  const [willBe, was] = CONSEQUENCES[action] ?? [`Action: ${action}.`, `Action: ${action}.`];
  const isSent = action === 'requeue' || action === 'release';
  const goesOut = isDone ? 'goes out' : 'would go out';
  const time = recoveries > 1 ? 'after a wait, which grows with each recovery in a row' : `within ${checkMinutes} min`;
  return html`<p>${isDone ? was : willBe}${isSent ? html` Its message ${goesOut} ${time}.` : nothing}</p>`;
}
