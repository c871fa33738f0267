import type { DeadLetterQueue, QueueAttributes } from './dead-letter-queue.ts';
import type { Decision, Incident } from './decide.ts';
import type { Cleared, Ledger } from './ledger.ts';
import type { Look } from './look.ts';

export interface SettleOptions {
  readonly queue: DeadLetterQueue;
  readonly depth: QueueAttributes;
  readonly look: Look;
  readonly ledger?: Ledger;
  readonly incident?: Incident;
  readonly decision: Decision;
  readonly problem: (text: string) => void;
}

/**
 * Closes the records of dead letters that have left the queue, when that is certain: after a look that saw all of it, or
 * at the all clear.
 * @returns those that left since the incident began; undefined when that is not known
 */
export async function settle(options: SettleOptions): Promise<Cleared[] | undefined> {
  const { queue, depth, look, ledger, incident, decision, problem } = options;
  const isEmpty = decision.speak === 'all_clear';
  if (!ledger || !incident || !(isEmpty || (look.isComplete && look.isRecorded))) return undefined;
  const since = new Date(incident.since);
  const redriven = await queue.countRedriven(depth.arn, since).catch((error: Error) => {
    problem(`list the redrives: ${error.message}`);
    return undefined;
  });
  return ledger.clear(isEmpty ? [] : [...(look.seen ?? [])], redriven, since).catch((error: Error) => {
    problem(`close dead_letters: ${error.message}`);
    return undefined;
  });
}
