import { randomUUID } from 'node:crypto';
import type pg from 'pg';

export const ROUTE = 'GET /api/health';
export const LIMIT = 100;

/** What check_rate_limit answers. */
export type Decision = {
  allowed: boolean;
  limit: number;
  remaining: number;
  retry_after_ms: number;
  reset_ms: number;
};

export const aCaller = () => randomUUID();

export async function ask(
  db: pg.Client,
  caller: string | null,
  {
    max = LIMIT,
    windowMs = 60_000,
    route = ROUTE,
  }: { max?: number | null; windowMs?: number | null; route?: string | null } = {},
): Promise<Decision> {
  const { rows } = await db.query('select * from public.check_rate_limit($1, $2, $3, $4)', [
    caller,
    route,
    max,
    windowMs,
  ]);
  return rows[0];
}

/** Moves all that is on record into the past. */
export async function letTimePass(db: pg.Client, ms: number): Promise<void> {
  await db.query('update public.rate_limit_requests set requested_at = requested_at - make_interval(secs => $1)', [
    ms / 1_000,
  ]);
}

/** The admitted requests of a caller, oldest first. */
export async function admittedOf(db: pg.Client, caller: string): Promise<{ requested_at: Date; ordinal: string }[]> {
  const { rows } = await db.query(
    'select requested_at, ordinal from public.rate_limit_requests where caller = $1 order by ordinal',
    [caller],
  );
  return rows;
}

/** Puts requests on record as check_rate_limit does. `select` gives caller, route, requested_at and ordinal. */
export async function recordRequests(db: pg.Client, select: string, values: unknown[] = []): Promise<void> {
  await db.query(
    `insert into public.rate_limit_requests (caller_route_hash, caller, route, requested_at, ordinal)
     select hashtextextended(r.route, hashtextextended(r.caller, 0)), r.*
     from (${select}) r (caller, route, requested_at, ordinal)`,
    values,
  );
}
