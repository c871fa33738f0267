import type pg from 'pg';
import type { Death } from './mishaps.ts';

export type Account = {
  readonly created: number;
  readonly completed: number;
  readonly recovered: number;
  readonly failed: number;
  readonly refused: number;
  /** Neither completed nor failed with a reason. */
  readonly lost: number;
  /** Completed more than once in the history, or delivered more than once by workers. */
  readonly doneTwice: number;
  /** From each worker's death to the recovery of its job. */
  readonly recoverySeconds: readonly number[];
};

/** The account of a demo, from what the database and the workers' deliveries say. */
export async function takeAccount(
  database: pg.Client,
  deaths: readonly Death[],
  deliveries: ReadonlyMap<string, number>,
): Promise<Account> {
  const { rows } = await database.query<{ id: string; status: string; events: string[]; recovered_at: Date | null }>(`
    select j.id, j.status, array_agg(h.event) as events,
      min(h.created_at) filter (where h.event = 'requeued_stale') as recovered_at
    from public.jobs j left join public.queue_history h on h.job_id = j.id
    group by j.id`);
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
    lost: rows.length - completed - failed,
    doneTwice: rows.filter(isTwice).length,
    recoverySeconds: deaths.flatMap(({ jobId, at }) => {
      const recoveredAt = rows.find(({ id }) => id === jobId)?.recovered_at;
      return recoveredAt ? [(recoveredAt.getTime() - at.getTime()) / 1_000] : [];
    }),
  };
}

/** The account for people; its last line is the one that counts. */
export function describeAccount(account: Account): string {
  const { created, completed, recovered, failed, refused, lost, doneTwice, recoverySeconds } = account;
  const sorted = [...recoverySeconds].sort((a, b) => a - b);
  const seconds = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} s`);
  return [
    `created ${created} · completed ${completed} · recovered ${recovered} · failed ${failed}`,
    `late completions refused ${refused}`,
    `from death to recovery: median ${seconds(sorted[Math.floor(sorted.length / 2)])}, max ${seconds(sorted.at(-1))}`,
    `lost ${lost} · done twice ${doneTwice}`,
  ].join('\n');
}
