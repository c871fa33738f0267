import type { Fleet } from './fleet.ts';
import type { HistoryEvent } from './history.ts';
import type { WorkerNote } from './worker.ts';

/** Counted in claims, so that mishaps are spread over the demo whatever the machine's speed. */
const KILL_AT_CLAIMS = [3, 9, 16, 22];
const FREEZE_AT_CLAIM = 12;
/** Every job takes at least twice as long, so that this is in the middle of it. */
const INTO_THE_JOB_MS = 1_000;

export type Death = { readonly jobId: string; readonly at: Date };

export type Mishaps = {
  /** The workers that were killed, with the job in their hands. */
  readonly deaths: readonly Death[];
  onEvent(event: HistoryEvent): void;
  onNote(note: WorkerNote): void;
};

export type MishapsOptions = {
  readonly fleet: Fleet;
  readonly tell: (jobId: string, what: string, details: string) => void;
};

/** Kills workers in the middle of a job, and freezes one until its job is another's. */
export function createMishaps({ fleet, tell }: MishapsOptions): Mishaps {
  const deaths: Death[] = [];
  const holders = new Map<string, string>();
  const killAt = [...KILL_AT_CLAIMS];
  let claims = 0;
  let frozen: { jobId: string; workerId: string; isAsleep: boolean } | undefined;

  function killLater(jobId: string, workerId: string): void {
    setTimeout(() => {
      if (holders.get(jobId) !== workerId) return;
      fleet.kill(workerId);
      deaths.push({ jobId, at: new Date() });
      tell(jobId, 'killed', `${workerId} got SIGKILL in the middle of it; ${fleet.hire()} takes its place`);
    }, INTO_THE_JOB_MS);
  }

  function onClaim({ job_id: jobId, worker_id, details }: HistoryEvent): void {
    const workerId = String(worker_id);
    holders.set(jobId, workerId);
    if (frozen?.isAsleep && frozen.jobId === jobId && frozen.workerId !== workerId) {
      fleet.thaw(frozen.workerId);
      tell(jobId, 'thawed', `${frozen.workerId} goes on as if nothing had happened, and finishes the job that it lost`);
      frozen = { ...frozen, isAsleep: false };
    }
    // A job that was recovered before would wait longer and longer: each is hit once.
    if (Number(details['lease']) > 1) return;
    claims += 1;
    if (!frozen && claims >= FREEZE_AT_CLAIM) frozen = { jobId, workerId, isAsleep: false };
    else if (killAt[0] !== undefined && claims >= killAt[0]) {
      killAt.shift();
      killLater(jobId, workerId);
    }
  }

  /** On a busy machine it may have finished before the signal came: then another one is frozen. */
  function onCompletion({ job_id: jobId, worker_id: workerId }: HistoryEvent): void {
    if (!frozen?.isAsleep || frozen.jobId !== jobId || frozen.workerId !== workerId) return;
    fleet.thaw(frozen.workerId);
    tell(jobId, 'thawed', `${workerId} had just finished it: another one will be frozen`);
    frozen = undefined;
  }

  return {
    deaths,
    onEvent(event) {
      if (event.event === 'completed') onCompletion(event);
      if (event.event === 'claimed') onClaim(event);
      else if (event.event !== 'completion_refused') holders.delete(event.job_id);
    },
    onNote({ note, jobId, workerId }) {
      if (note !== 'last-submission' || frozen?.jobId !== jobId || frozen.workerId !== workerId) return;
      fleet.freeze(workerId);
      frozen = { ...frozen, isAsleep: true };
      tell(jobId, 'frozen', `${workerId} got SIGSTOP just before its end`);
    },
  };
}
