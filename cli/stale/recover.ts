import { randomUUID } from 'node:crypto';
import { connectQueue } from '../../lambdas/shared/queue.ts';
import { refusalOf } from '../../lambdas/shared/refusal.ts';
import { type DispatchReport, sendPending } from '../../lambdas/stale-job-monitor/dispatch.ts';
import { type Recovery, type RecoverySettings, recoverAll } from '../../lambdas/stale-job-monitor/recover.ts';
import type { Settings } from '../../lib/settings.ts';
import type { Context } from '../context.ts';
import { explainError } from '../explain-error.ts';
import { refusalOf as refusalOfRest } from '../rest.ts';
import type { ShownRecovery } from './recovery-text.ts';

/** A person waits no longer; what is left is the monitor's. */
const LONGEST_MS = 120_000;

type Row = Recovery & ShownRecovery;

/** What recovering would do now, without doing it: all of its batches, or the one slice of an outage. */
export async function planRecovery(context: Context, jobId?: string): Promise<ShownRecovery[]> {
  if (jobId) return [await recoverOne(context, jobId, true)];
  const settings = recoverySettings(context.settings);
  const database = context.database();
  const planned: Row[] = [];
  for (;;) {
    const batch = await database.call<Row[]>('recover_stale_jobs', {
      threshold_minutes: settings.thresholdMinutes,
      batch_limit: settings.batchSize,
      breaker_min_running: settings.breakerMinRunning,
      breaker_share: settings.breakerShare,
      canary_size: settings.canarySize,
      dry_run: true,
      except_ids: planned.map(({ job_id }) => job_id),
    });
    planned.push(...batch);
    if (batch.length < settings.batchSize || batch.some(({ breaker_open }) => breaker_open)) return planned;
  }
}

/** Recovers as the monitor does, and says in the history who asked. */
export async function recover(context: Context, jobId?: string): Promise<ShownRecovery[]> {
  if (jobId) return [await recoverOne(context, jobId, false)];
  const recovered: Row[] = [];
  const runId = randomUUID();
  const settings = recoverySettings(context.settings);
  const remainingMs = remainingFrom(Date.now());
  try {
    await recoverAll({ database: context.database(), settings, runId, remainingMs }, recovered);
  } finally {
    await recordWhoAsked(context, recovered, runId);
  }
  return recovered;
}

async function recoverOne(context: Context, job_id: string, dry_run: boolean): Promise<ShownRecovery> {
  try {
    return await context.database().call<ShownRecovery>('recover_stale_job', {
      job_id,
      requested_by: context.askedBy,
      threshold_minutes: context.settings.STALE_THRESHOLD_MINUTES,
      dry_run,
    });
  } catch (error) {
    const refusal = refusalOf(error);
    throw refusal === undefined ? error : new Error(`Nothing was done: ${refusal}.`);
  }
}

/** The same event that recover_stale_job() writes. */
async function recordWhoAsked({ rest, askedBy, output }: Context, recovered: Row[], runId: string): Promise<void> {
  const done = recovered.filter(({ action }) => action !== 'error');
  if (done.length === 0) return;
  const body = done.map(({ job_id, reason }) => ({
    job_id,
    event: 'recovery_requested',
    details: { requested_by: askedBy, reason, run_id: runId },
  }));
  try {
    const answer = await rest().ask('/queue_history', { method: 'POST', body });
    if (answer.status !== 201) throw new Error(refusalOfRest(answer).message);
  } catch (error) {
    output.note(`The jobs were recovered, but queue_history does not say who asked: ${explainError(error)}`);
  }
}

export interface Sending {
  readonly sent: number;
  /** Why the rest was not sent; the monitor's next run sends it. */
  readonly problem?: string;
}

/** Sends the messages of recovered jobs at once; what cannot be sent now is kept for the monitor. Never throws. */
export async function sendRecovered(context: Context): Promise<Sending> {
  const report: DispatchReport = { sent: 0, refused: [] };
  try {
    const queueUrl = await context.queueUrl();
    await sendPending(
      {
        database: context.database(),
        queue: connectQueue(context.clients.sqs, queueUrl),
        now: new Date(),
        random: Math.random,
        remainingMs: remainingFrom(Date.now()),
      },
      report,
    );
    return { sent: report.sent, problem: report.refused[0]?.error };
  } catch (error) {
    return { sent: report.sent, problem: explainError(error) };
  }
}

function remainingFrom(startedAt: number): () => number {
  return () => startedAt + LONGEST_MS - Date.now();
}

function recoverySettings(settings: Settings): RecoverySettings {
  return {
    thresholdMinutes: settings.STALE_THRESHOLD_MINUTES,
    batchSize: settings.RECOVERY_BATCH_SIZE,
    breakerMinRunning: settings.BREAKER_MIN_RUNNING,
    breakerShare: settings.BREAKER_SHARE_PERCENT / 100,
    canarySize: settings.CANARY_SIZE,
  };
}
