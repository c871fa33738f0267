import { attempt } from '../shared/attempt.ts';
import type { SlackMessage } from '../shared/slack-message.ts';
import { composeAlert, composeAllClear, type Facts, placeOf } from './compose.ts';
import type { DeadLetterQueue, QueueAttributes } from './dead-letter-queue.ts';
import { type Decision, decide, type Incident } from './decide.ts';
import { totalOf } from './depth.ts';
import type { Ledger } from './ledger.ts';
import { look } from './look.ts';
import { soonestFirst } from './message-parts.ts';
import { type RecordOptions, recorded } from './record.ts';
import { settle } from './settle.ts';
import type { State, StateStore } from './state-store.ts';

/** Kept free for the alert (three tries of 5 s), the state, the record and the report. */
const CLOSING_MS = 30_000;

export interface RunOptions extends RecordOptions {
  readonly queue: DeadLetterQueue;
  readonly queueUrl: string;
  /** @throws when the database's key cannot be read */
  readonly openLedger: (queueName: string) => Promise<Ledger>;
  readonly store: StateStore;
  readonly sendToSlack: (message: SlackMessage) => Promise<void>;
  readonly threshold: number;
  readonly links: { readonly runbook?: string; readonly dashboard?: string };
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

/** One run: look, speak, remember what was said, record. */
export async function runMonitor(options: RunOptions): Promise<RunReport> {
  const problems: string[] = [];
  return recorded(options, problems, () => runLocked(options, problems));
}

/** Under the lock; without it when SSM does not answer, for a second alert is better than none. */
async function runLocked(options: RunOptions, problems: string[]): Promise<RunReport> {
  const { store, now, remainingMs } = options;
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
    if (isMine === true) await attempt('unlock the alert state', () => store.unlock(), problem);
  }
}

async function runAlone(options: RunOptions, problems: string[]): Promise<RunReport> {
  const { queue, queueUrl, store, threshold, now, log } = options;
  const problem = (text: string) => problems.push(text);
  const remainingMs = () => options.remainingMs() - CLOSING_MS;

  let depth = await queue.readAttributes();
  const place = placeOf(queueUrl, depth.arn);
  const { state, isKnown } = await readState(store, problem);
  const ledger = await attempt('reach the database', () => options.openLedger(place.queue.name), problem);
  const { incident: before, look: last } = state ?? {};
  const redriven = await countRedriven(queue, depth.arn, before, problem);
  const seen = await look({ queue, depth, last, redriven, ledger, now: now(), remainingMs, problem });
  // The count of an empty queue can be 1 for less than a minute (construct-hub#1758): ask again before the first alert.
  if (!before && seen.seen?.size === 0) depth = await queue.readAttributes();

  const decision = decide(before, { ...depth, newCount: seen.newCount }, now(), threshold);
  const total = totalOf(depth);
  if (decision.speak && decision.speak !== 'all_clear') log.warn(`DLQ threshold exceeded: ${total} messages`);

  const settled = { depth, last, look: seen, redriven, ledger, incident: before, decision, now: now(), problem };
  const cleared = await settle(settled);
  const facts: Facts = { place, depth, decision, look: seen, isStateKnown: isKnown, links: options.links, now: now() };
  let alertsFailed = 0;
  let incident = decision.incident;
  if (decision.speak) {
    const message =
      before && decision.speak === 'all_clear' ? composeAllClear(facts, before, cleared) : composeAlert(facts);
    await options.sendToSlack(message).catch((error: Error) => {
      problem(`alert Slack: ${error.message}`);
      alertsFailed = 1;
      incident = decision.unsaid;
    });
  }
  const next: State = { incident, look: seen.next, writtenAt: now().toISOString() };
  await attempt('write the alert state', () => store.write(next), problem);

  const oldest = total > 0 ? soonestFirst(seen.deadLetters)[0] : undefined;
  return {
    depth,
    newCount: seen.newCount,
    oldestExpirySeconds: oldest && Math.max(0, (oldest.expiresAt.getTime() - now().getTime()) / 1000),
    said: alertsFailed === 0 ? decision.speak : undefined,
    alertsFailed,
    problems,
  };
}

/** Messages that redrives have moved out since the incident began; undefined without one, or when SQS does not say. */
async function countRedriven(
  queue: DeadLetterQueue,
  arn: string,
  incident: Incident | undefined,
  problem: (text: string) => void,
) {
  if (!incident) return undefined;
  return attempt('list the redrives', () => queue.countRedriven(arn, new Date(incident.since)), problem);
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
