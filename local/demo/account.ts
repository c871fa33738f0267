import type pg from 'pg';
import { type Answers, describeAnswers } from './caller.ts';
import type { Death } from './mishaps.ts';

/** What the database cannot know. */
export type Evidence = {
  readonly deaths: readonly Death[];
  /** How often workers delivered each job. */
  readonly deliveries: ReadonlyMap<string, number>;
  /** Messages about dead letters that Slack took. */
  readonly alerts: number;
  readonly alertSeconds: number | undefined;
  readonly isAllClear: boolean;
  /** Of the API, to a caller that asked more often than it may. */
  readonly answers: Answers;
};

export type Account = {
  readonly created: number;
  readonly completed: number;
  readonly recovered: number;
  readonly failed: number;
  readonly refused: number;
  readonly deadLetters: number;
  readonly redriven: number;
  readonly alerts: number;
  /** From the dead letter to its alert. */
  readonly alertSeconds: number | undefined;
  /** Slack said that the dead-letter queue is empty again. */
  readonly isAllClear: boolean;
  /** Of the API, to 105 requests in a row. */
  readonly answers: Answers;
  /** Neither completed nor failed with a reason. */
  readonly lost: number;
  /** Completed more than once in the history, or delivered more than once by workers. */
  readonly doneTwice: number;
  /** From each worker's death to the recovery of its job. */
  readonly recoverySeconds: readonly number[];
};

/** The account of a demo, from what the database and the workers' deliveries say. */
export async function takeAccount(database: pg.Client, evidence: Evidence): Promise<Account> {
  const { deaths, deliveries, alerts, alertSeconds, isAllClear, answers } = evidence;
  const { rows } = await database.query<{ id: string; status: string; events: string[]; recovered_at: Date | null }>(`
    select j.id, j.status, array_agg(h.event) as events,
      min(h.created_at) filter (where h.event = 'requeued_stale') as recovered_at
    from public.jobs j left join public.queue_history h on h.job_id = j.id
    group by j.id`);
  const { rows: letters } = await database.query<{ cleared_how: string | null }>(
    'select cleared_how from public.dead_letters',
  );
  const withStatus = (status: string) => rows.filter((job) => job.status === status).length;
  const times = (event: string, events: readonly string[]) => events.filter((name) => name === event).length;
  const total = (event: string) => rows.reduce((sum, { events }) => sum + times(event, events), 0);
  const isTwice = ({ id, events }: (typeof rows)[number]) =>
    times('completed', events) > 1 || (deliveries.get(id) ?? 0) > 1;
  const completed = withStatus('completed');
  const failed = withStatus('failed');
  return {
    created: rows.length,
    completed,
    recovered: total('requeued_stale'),
    failed,
    refused: total('completion_refused'),
    deadLetters: letters.length,
    redriven: letters.filter(({ cleared_how }) => cleared_how === 'redriven').length,
    alerts,
    alertSeconds,
    isAllClear,
    answers,
    lost: rows.length - completed - failed,
    doneTwice: rows.filter(isTwice).length,
    recoverySeconds: deaths.flatMap(({ jobId, at }) => {
      const recoveredAt = rows.find(({ id }) => id === jobId)?.recovered_at;
      return recoveredAt ? [(recoveredAt.getTime() - at.getTime()) / 1_000] : [];
    }),
  };
}

/**
 * The account for people; its last line is the one that counts.
 * @param monitorSeconds from one run of the dlq-monitor to the next, here and when deployed
 */
export function describeAccount(account: Account, monitorSeconds: { here: number; deployed: number }): string {
  const { created, completed, recovered, failed, refused, lost, doneTwice } = account;
  const { deadLetters, redriven, alerts, alertSeconds } = account;
  const sorted = [...account.recoverySeconds].sort((a, b) => a - b);
  const seconds = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} s`);
  return [
    `created ${created} · completed ${completed} · recovered ${recovered} · failed ${failed}`,
    `late completions refused ${refused}`,
    `dead letters ${deadLetters} · redriven ${redriven} · messages about them in Slack ${alerts}`,
    `from death to recovery: median ${seconds(sorted[Math.floor(sorted.length / 2)])}, max ${seconds(sorted.at(-1))}`,
    `from dead letter to alert: ${seconds(alertSeconds)} (the monitor looks every ${monitorSeconds.here} s here; ` +
      `deployed every ${monitorSeconds.deployed / 60} minutes, so at most that long)`,
    `answers to 105 requests in a row: ${describeAnswers(account.answers)}`,
    `lost ${lost} · done twice ${doneTwice}`,
  ].join('\n');
}

/** What the demo was to show and did not; empty when all of it happened. */
export function whatIsMissing(account: Account): string[] {
  const wanted: [string, boolean][] = [
    ['nothing lost', account.lost === 0],
    ['nothing done twice', account.doneTwice === 0],
    ['every job completed', account.completed === account.created],
    ['a killed worker whose job was recovered', account.recoverySeconds.length > 0],
    ['a late completion that was refused', account.refused > 0],
    ['one dead letter', account.deadLetters === 1],
    ['its redrive', account.redriven === 1],
    ['its alert', account.alertSeconds !== undefined],
    ['the all clear', account.isAllClear],
    ['100 answers to 105 requests', account.answers.get(200) === 100 && account.answers.get(429) === 5],
  ];
  return wanted.filter(([, isSeen]) => !isSeen).map(([what]) => what);
}
