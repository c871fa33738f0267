import pg from 'pg';
import { type LocalSystem, startSystem } from '../system.ts';
import { describeAccount, takeAccount } from './account.ts';
import { readBusinesses } from './businesses.ts';
import { createFleet } from './fleet.ts';
import { followHistory } from './history.ts';
import { createMishaps } from './mishaps.ts';
import { createNarrator, wordsOf } from './narrator.ts';
import { produce } from './producer.ts';
import type { WorkerNote } from './worker.ts';

const WORKERS = 4;
/** Everything that takes minutes in production takes seconds here. */
const TIME_SCALE = 60;
const STALE_AFTER = '4 seconds';
/** Longer than a job takes, so that the message of a killed worker comes back while we watch. */
const VISIBILITY_SECONDS = '10';
const PATIENCE_MS = 180_000;

async function main(): Promise<void> {
  console.log('Starting Postgres, PostgREST, SQS and the functions of the synthesized stack …');
  const settings = { QUEUE_VISIBILITY_SECONDS: VISIBILITY_SECONDS };
  const system = await startSystem({ timeScale: TIME_SCALE, settings });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => system.stop().then(() => process.exit(1)));
  const database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  try {
    process.exitCode = await run(system, database);
  } finally {
    await database.end();
    await system.stop();
  }
}

/** Runs the fleet over all jobs, and answers the exit code. */
async function run(system: LocalSystem, database: pg.Client): Promise<number> {
  await database.query("update public.job_policies set stale_after = $1::interval where job_type = 'default'", [
    STALE_AFTER,
  ]);
  const businesses = readBusinesses();
  const names = new Map<string, string>();
  const deliveries = new Map<string, number>();
  const narrate = createNarrator();
  const tell = (jobId: string, what: string, details: string) => narrate(names.get(jobId) ?? jobId, what, details);

  const fleet = createFleet(system, (note) => onNote(note));
  const mishaps = createMishaps({ fleet, tell });
  const onNote = (note: WorkerNote) => {
    if (note.note === 'delivered') deliveries.set(note.jobId, (deliveries.get(note.jobId) ?? 0) + 1);
    mishaps.onNote(note);
  };
  console.log(`${businesses.length} jobs, ${WORKERS} workers; a job is stale after ${STALE_AFTER}.\n`);
  for (let worker = 0; worker < WORKERS; worker += 1) fleet.hire();

  const deadline = Date.now() + PATIENCE_MS;
  const producing = produce(system, database, businesses, (jobId, { name, packageSize }) => {
    names.set(jobId, name);
    tell(jobId, 'created', `${packageSize} directories`);
  });
  const following = followHistory(
    database,
    (event) => {
      const words = wordsOf(event);
      if (words) tell(event.job_id, ...words);
      mishaps.onEvent(event);
    },
    async () => Date.now() > deadline || (await isAllDone(database, businesses.length)),
  );
  await Promise.all([producing, following]);
  fleet.stop();

  const account = await takeAccount(database, mishaps.deaths, deliveries);
  console.log(`\n${describeAccount(account)}`);
  return account.lost === 0 && account.doneTwice === 0 ? 0 : 1;
}

async function isAllDone(database: pg.Client, jobs: number): Promise<boolean> {
  const { rows } = await database.query<{ done: number }>(
    "select count(*)::integer as done from public.jobs where status in ('completed', 'failed')",
  );
  return rows[0]?.done === jobs;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
