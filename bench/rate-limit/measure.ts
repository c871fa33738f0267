import type pg from 'pg';
import { quantile } from '../median.ts';
import { APPLICATION, type Arm, type Decide, type Servers } from './arm.ts';
import type { Workload } from './workloads.ts';

/** What one arm did under one workload. Costs are those of one decision. */
export type Figures = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly walBytes: number;
  readonly rows: number;
  /** Of its tables and their indexes, and of their dead rows, at the end. */
  readonly kilobytes: number;
  readonly deadRows: number;
};

export type Measurement = {
  readonly arm: Arm;
  readonly workload: Workload;
  readonly clients: number;
  readonly warmMs: number;
  readonly measureMs: number;
  readonly admin: pg.Client;
  readonly servers: Servers;
};

/** From empty tables, a closed loop of so many clients: each asks again when it is answered. */
export async function measure(options: Measurement): Promise<Figures> {
  const { arm, workload, clients, warmMs, measureMs, admin, servers } = options;
  await empty(admin, arm);
  const { decide, close } = arm.connect(servers, workload.limit);
  const before = await readCosts(admin, arm);
  for (let count = 0; count < workload.before; count += 1) await decide(workload.pick(0));
  const warm = await drive(decide, workload, clients, warmMs);
  const { latencies, elapsedMs } = await drive(decide, workload, clients, measureMs);
  await close();
  await untilGone(admin);
  const after = await readCosts(admin, arm);
  const decisions = workload.before + warm.latencies.length + latencies.length;
  return {
    perSecond: (latencies.length / elapsedMs) * 1_000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    walBytes: (after.wal - before.wal) / decisions,
    rows: (after.rows - before.rows) / decisions,
    kilobytes: after.kilobytes,
    deadRows: after.dead,
  };
}

async function drive(decide: Decide, { pick }: Workload, clients: number, forMs: number) {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const client = async (): Promise<void> => {
    for (let now = startedAt; now < startedAt + forMs; ) {
      const askedAt = now;
      await decide(pick(Math.random()));
      now = performance.now();
      latencies.push(now - askedAt);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { latencies, elapsedMs: performance.now() - startedAt };
}

/** Each begins alike: no rows, and statistics that say so, as after a quiet night; and no checkpoint due. */
async function empty(admin: pg.Client, { tables }: Arm): Promise<void> {
  for (const table of tables) {
    await admin.query(`truncate ${table}`);
    await admin.query(`vacuum (analyze) ${table}`);
  }
  await admin.query('checkpoint');
}

async function readCosts(admin: pg.Client, { tables }: Arm) {
  const { rows } = await admin.query(
    `select (pg_current_wal_insert_lsn() - '0/0')::float8 as wal,
       coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::float8 as rows,
       coalesce(sum(n_dead_tup), 0)::float8 as dead,
       coalesce(sum(pg_total_relation_size(relid)), 0)::float8 / 1024 as kilobytes
     from pg_stat_user_tables where relid = any ($1::regclass[])`,
    [tables],
  );
  return rows[0] as { wal: number; rows: number; dead: number; kilobytes: number };
}

/** A process of the server reports what it wrote when it ends. */
async function untilGone(admin: pg.Client): Promise<void> {
  const query = 'select from pg_stat_activity where application_name = $1';
  while ((await admin.query(query, [APPLICATION])).rowCount) await new Promise((resolve) => setTimeout(resolve, 5));
}
