import type { Redrive } from '../../lambdas/dashboard-action/redrive.ts';
import { pause } from '../pause.ts';
import type { Tell } from '../progress.ts';

const LOOK_EVERY_MS = 2_000;

export interface RedriveReport {
  /** As SQS has it: RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED. */
  readonly status: string;
  readonly moved: number;
  readonly failure?: string;
}

export interface FollowOptions {
  readonly redrive: Pick<Redrive, 'look'>;
  readonly tell: Tell;
  /** Ends the following, not the redrive. */
  readonly signal: AbortSignal;
  readonly lookEveryMs?: number;
}

/** Follows the newest redrive until it ends, or until the signal: SQS moves the messages by itself. */
export async function followRedrive(options: FollowOptions): Promise<RedriveReport> {
  const { redrive, tell, signal, lookEveryMs = LOOK_EVERY_MS } = options;
  for (;;) {
    const { task } = await redrive.look();
    if (!task) return { status: 'UNKNOWN', moved: 0 };
    const { status, moved, total, failure } = task;
    const isGoingOn = status === 'RUNNING' || status === 'CANCELLING';
    if (!isGoingOn || signal.aborted) return { status, moved, failure };
    const of = total === undefined ? '' : ` of ${total}`;
    tell(`redriving: ${moved}${of} moved. Ctrl-C stops watching, not the redrive`);
    await pause(lookEveryMs, signal);
  }
}
