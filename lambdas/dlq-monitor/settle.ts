import { attempt } from '../shared/attempt.ts';
import type { QueueAttributes } from './dead-letter-queue.ts';
import type { Decision, Incident } from './decide.ts';
import { totalOf } from './depth.ts';
import type { Cleared, Ledger } from './ledger.ts';
import type { Look } from './look.ts';
import type { LastLook } from './state-store.ts';

export interface SettleOptions {
  readonly depth: QueueAttributes;
  readonly last?: LastLook;
  readonly look: Look;
  readonly redriven?: number;
  readonly ledger?: Ledger;
  readonly incident?: Incident;
  readonly decision: Decision;
  readonly now: Date;
  readonly problem: (text: string) => void;
}

/**
 * Closes the records of dead letters that have left the queue, when that is certain: after a look that saw all of it, at
 * the all clear, or at the second empty reading where Slack never heard of them: the next incident must not count them.
 * @returns those that left since the incident began; undefined when that is not known
 */
export async function settle(options: SettleOptions): Promise<Cleared | undefined> {
  const { depth, last, look, redriven, ledger, incident, decision, now, problem } = options;
  const isEmpty = totalOf(depth) === 0;
  const isForgotten = isEmpty && !incident && !last?.depth && look.deadLetters.length > 0;
  if (!ledger || !(decision.speak === 'all_clear' || look.isWhole || isForgotten)) return undefined;
  const since = incident ? new Date(incident.since) : now;
  const stillThere = look.isWhole ? [...(look.seen ?? [])] : [];
  return attempt('close dead_letters', () => ledger.clear(stillThere, redriven, since), problem);
}
