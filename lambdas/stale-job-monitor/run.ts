import { attempt } from '../shared/attempt.ts';
import { counted } from '../shared/counted.ts';
import type { Database } from '../shared/database.ts';
import type { Queue } from '../shared/queue.ts';
import { type DispatchReport, sendPending } from './dispatch.ts';
import { type Recovery, type RecoverySettings, recoverAll } from './recover.ts';

/** Kept free at the end of a run: the last call to SQS may need 10 s, then come marking, recording and reporting. */
const CLOSING_MS = 20_000;

/** The row of stale_job_health(). */
export interface Health {
  readonly running: number;
  readonly stale: number;
  readonly held: number;
  readonly oldest_stale_seconds: number;
  readonly breaker_open: boolean;
}

export interface RunOptions {
  readonly database: Database;
  readonly queue: Queue;
  readonly settings: RecoverySettings;
  readonly runId: string;
  readonly now: () => Date;
  readonly random: () => number;
  readonly remainingMs: () => number;
}

export interface RunReport {
  /** Undefined when the database could not be asked. */
  readonly health?: Health;
  readonly requeued: number;
  readonly failed: number;
  readonly held: number;
  readonly dispatched: number;
  readonly dispatchFailures: number;
  readonly breakerOpen: boolean;
  /** Since the run before; undefined when this run could not be recorded. */
  readonly lateCompletions?: number;
  readonly durationMs: number;
  /** What went wrong, part by part; empty when all went well. */
  readonly problems: string[];
}

/** One run: look, recover, send what is pending (from earlier runs too), record. A failed part never stops the next. */
export async function runMonitor(options: RunOptions): Promise<RunReport> {
  const { database, settings, runId, now } = options;
  const startedAt = now().getTime();
  const remainingMs = () => options.remainingMs() - CLOSING_MS;
  const problems: string[] = [];
  const problem = (text: string) => problems.push(text);

  const health = await attempt('look for stale jobs', () => readHealth(database, settings), problem);
  const recoveries: Recovery[] = [];
  await attempt('recover stale jobs', () => recoverAll({ ...options, remainingMs }, recoveries), problem);
  const sending: DispatchReport = { sent: 0, refused: [] };
  await attempt('send pending messages', () => sendPending({ ...options, now: now(), remainingMs }, sending), problem);
  problems.push(...describe(recoveries, sending));

  const summary = summarise(health, recoveries, sending);
  const durationMs = now().getTime() - startedAt;
  const record = {
    run_id: runId,
    monitor: 'stale-job-monitor',
    duration_ms: durationMs,
    succeeded: problems.length === 0,
    summary: { ...summary, problems },
  };
  const lateCompletions = await attempt(
    'record the run',
    () => database.call<number>('record_monitor_run', record),
    problem,
  );
  return { ...summary, lateCompletions, durationMs, problems };
}

async function readHealth(database: Database, settings: RecoverySettings): Promise<Health> {
  const [health] = await database.call<Health[]>('stale_job_health', {
    threshold_minutes: settings.thresholdMinutes,
    breaker_min_running: settings.breakerMinRunning,
    breaker_share: settings.breakerShare,
  });
  if (!health) throw new Error('stale_job_health answered no row');
  return health;
}

function describe(recoveries: Recovery[], sending: DispatchReport): string[] {
  const errors = recoveries.filter(({ action }) => action === 'error');
  return [
    ...errors.slice(0, 5).map(({ job_id, error }) => `recover job ${job_id}: ${error}`),
    ...(errors.length > 5 ? [`recover ${counted(errors.length - 5, 'more job')}: errors of the same kind`] : []),
    ...(sending.refused.length > 0
      ? [`send ${counted(sending.refused.length, 'message')} (kept for the next run): ${sending.refused[0]?.error}`]
      : []),
  ];
}

function summarise(health: Health | undefined, recoveries: Recovery[], sending: DispatchReport) {
  const count = (...actions: Recovery['action'][]) =>
    recoveries.filter(({ action }) => actions.includes(action)).length;
  return {
    health,
    requeued: count('requeue'),
    failed: count('fail', 'cancel'),
    held: count('hold'),
    dispatched: sending.sent,
    dispatchFailures: sending.refused.length,
    breakerOpen: health?.breaker_open === true || recoveries.some((row) => row.breaker_open),
  };
}
