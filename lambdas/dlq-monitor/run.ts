import type { SlackMessage } from '../shared/slack-message.ts';
import { composeAlert, composeAllClear, type Facts, placeOf } from './compose.ts';
import type { DeadLetterQueue, QueueAttributes } from './dead-letter-queue.ts';
import { type Decision, decide } from './decide.ts';
import type { Ledger } from './ledger.ts';
import { look } from './look.ts';
import { settle } from './settle.ts';
import type { State, StateStore } from './state-store.ts';

/** Kept free for the alert (three tries of 5 s), the state and the report. */
const CLOSING_MS = 25_000;

export interface RunOptions {
  readonly queue: DeadLetterQueue;
  readonly queueUrl: string;
  /** @throws when the database's key cannot be read */
  readonly openLedger: (queueName: string) => Promise<Ledger>;
  readonly store: StateStore;
  readonly sendToSlack: (message: SlackMessage) => Promise<void>;
  readonly threshold: number;
  readonly links: { readonly runbook?: string; readonly dashboard?: string };
  readonly now: () => Date;
  readonly remainingMs: () => number;
  readonly log: { warn(text: string): void };
}

export interface RunReport {
  /** True when another run was at work and this one left everything to it. */
  readonly isSkipped?: boolean;
  readonly depth?: QueueAttributes;
  readonly newCount?: number;
  /** Seconds until the first dead letter expires; undefined when there is none, or not known. */
  readonly oldestExpirySeconds?: number;
  readonly said?: Decision['speak'];
  readonly alertsFailed: number;
  readonly problems: string[];
}

/** One run under the lock; without it when SSM does not answer, for a second alert is better than none. */
export async function runMonitor(options: RunOptions): Promise<RunReport> {
  const { store, now, remainingMs } = options;
  const problems: string[] = [];
  const problem = (text: string) => problems.push(text);
  const until = new Date(now().getTime() + Math.max(0, remainingMs()));
  const isMine = await store.lock(now(), until).catch((error: Error) => {
    problem(`lock the alert state: ${error.message}`);
    return 'unlocked' as const;
  });
  if (!isMine) return { isSkipped: true, alertsFailed: 0, problems };
  try {
    return await runAlone(options, problems);
  } finally {
    if (isMine === true)
      await store.unlock().catch((error: Error) => problem(`unlock the alert state: ${error.message}`));
  }
}

async function runAlone(options: RunOptions, problems: string[]): Promise<RunReport> {
  const { queue, queueUrl, store, threshold, now, log } = options;
  const problem = (text: string) => problems.push(text);
  const remainingMs = () => options.remainingMs() - CLOSING_MS;

  let depth = await queue.readAttributes();
  const place = placeOf(queueUrl, depth.arn);
  const { state, isKnown } = await readState(store, problem);
  const ledger = await options.openLedger(place.queue.name).catch((error: Error) => {
    problem(`reach the database: ${error.message}`);
    return undefined;
  });
  const seen = await look({ queue, depth, last: state?.look, ledger, now: now(), remainingMs, problem });
  // The count of an empty queue can be 1 for less than a minute (construct-hub#1758): ask again before the first alert.
  if (!state?.incident && seen.seen?.size === 0) depth = await queue.readAttributes();

  const decision = decide(state?.incident, { ...depth, newCount: seen.newCount }, now(), threshold);
  const total = depth.visible + depth.inFlight + depth.delayed;
  if (decision.speak && decision.speak !== 'all_clear') log.warn(`DLQ threshold exceeded: ${total} messages`);

  const cleared = await settle({ queue, depth, look: seen, ledger, incident: state?.incident, decision, problem });
  const facts: Facts = { place, depth, decision, look: seen, isStateKnown: isKnown, links: options.links, now: now() };
  let alertsFailed = 0;
  let incident = decision.incident;
  if (decision.speak) {
    const message =
      state?.incident && decision.speak === 'all_clear'
        ? composeAllClear(facts, state.incident, cleared)
        : composeAlert(facts);
    await options.sendToSlack(message).catch((error: Error) => {
      problem(`alert Slack: ${error.message}`);
      alertsFailed = 1;
      incident = state?.incident; // not said: the next run says it
    });
  }
  const next: State = {
    incident,
    look: { depth: total, isRecorded: seen.isRecorded },
    writtenAt: now().toISOString(),
  };
  await store.write(next).catch((error: Error) => problem(`write the alert state: ${error.message}`));

  const oldest = total > 0 ? seen.deadLetters[0] : undefined;
  return {
    depth,
    newCount: seen.newCount,
    oldestExpirySeconds: oldest && Math.max(0, (oldest.expiresAt.getTime() - now().getTime()) / 1000),
    said: alertsFailed === 0 ? decision.speak : undefined,
    alertsFailed,
    problems,
  };
}

/** What was said before: from the store, or from this process's own memory while the store does not answer. */
async function readState(store: StateStore, problem: (text: string) => void) {
  try {
    return { state: await store.read(), isKnown: true };
  } catch (error) {
    problem(`read the alert state: ${(error as Error).message}`);
    const state = store.remembered();
    return { state, isKnown: state !== undefined };
  }
}
