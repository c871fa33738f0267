import { attempt } from '../shared/attempt.ts';
import { totalOf } from './depth.ts';
import { SERVICE } from './env.ts';
import type { RunReport } from './run.ts';

/** What record_monitor_run() is told. */
export interface FinishedRun {
  readonly run_id: string;
  readonly monitor: string;
  readonly duration_ms: number;
  readonly succeeded: boolean;
  readonly summary: object;
}

export interface RecordOptions {
  readonly runId: string;
  /** Ends within 11 s. @throws when the database does not answer, or its key cannot be read */
  readonly recordRun: (run: FinishedRun) => Promise<unknown>;
  readonly now: () => Date;
  readonly remainingMs: () => number;
}

/** The record takes up to 11 s, and the metrics that say whether an alert went out must be written after it. */
const NEEDED_MS = 13_000;

/**
 * Does a run and records how it ended, also where it throws: the last thing of all, for nothing may wait for the database.
 * That it could not be recorded is one more problem of the run. One that left all to another is not recorded.
 */
export async function recorded(
  { runId, recordRun, now, remainingMs }: RecordOptions,
  problems: string[],
  run: () => Promise<RunReport>,
): Promise<RunReport> {
  const startedAt = now().getTime();
  const record = async ({ depth, newCount, said, alertsFailed }: Partial<RunReport>, failures: string[]) => {
    if (remainingMs() < NEEDED_MS) throw new Error('no time was left');
    await recordRun({
      run_id: runId,
      monitor: SERVICE,
      duration_ms: now().getTime() - startedAt,
      succeeded: failures.length === 0,
      summary: { depth: depth && totalOf(depth), newCount, said, alertsFailed, problems: failures },
    });
  };
  const problem = (text: string) => problems.push(text);
  try {
    const report = await run();
    if (!report.isSkipped) await attempt('record the run', () => record(report, problems), problem);
    return report;
  } catch (error) {
    await attempt('record the run', () => record({}, [...problems, (error as Error).message]), problem);
    throw error;
  }
}
