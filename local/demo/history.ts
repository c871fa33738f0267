import type pg from 'pg';

const POLL_MS = 150;

/** A row of queue_history: what the database says has happened, and so what the demo shows. */
export type HistoryEvent = {
  readonly id: string;
  readonly job_id: string;
  readonly event: string;
  readonly worker_id: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly created_at: Date;
};

/** Hands each new event of the history to `onEvent`, in order, until `isOver` says so after a look. */
export async function followHistory(
  database: pg.Client,
  onEvent: (event: HistoryEvent) => void,
  isOver: () => Promise<boolean>,
): Promise<void> {
  // Rows become visible in the order of their commits, not of their ids: seen ones are remembered, not counted.
  const seen = new Set<string>();
  for (let over = false; !over; ) {
    over = await isOver();
    const { rows } = await database.query<HistoryEvent>('select * from public.queue_history order by id');
    for (const event of rows) {
      if (seen.has(event.id)) continue;
      seen.add(event.id);
      onEvent(event);
    }
    if (!over) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
