import pg from 'pg';
import { shortNameOf } from '../functions.ts';
import { periodMs } from '../schedules.ts';
import { type LocalSystem, startSystem } from '../system.ts';
import { type Account, describeAccount, takeAccount, whatIsMissing } from './account.ts';
import { readBusinesses } from './businesses.ts';
import { askTooOften } from './caller.ts';
import { createDeadLetterChapter } from './dead-letter.ts';
import { createFleet } from './fleet.ts';
import { followHistory } from './history.ts';
import { createMishaps } from './mishaps.ts';
import { createNarrator, type Tell, wordsOf } from './narrator.ts';
import { produce } from './producer.ts';
import type { WorkerNote } from './worker.ts';

const WORKERS = 4;
/** Everything that takes minutes in production takes seconds here. */
const TIME_SCALE = 60;
const STALE_AFTER = '4 seconds';
/** Longer than a job takes, and so short that a message comes back, or dies, while we watch. */
const SETTINGS = { QUEUE_VISIBILITY_SECONDS: '6', QUEUE_MAX_RECEIVES: '3' };
const PATIENCE_MS = 120_000;

async function main(): Promise<void> {
  console.log('Starting Postgres, PostgREST, SQS and the functions of the synthesized stack …');
  const system = await startSystem({ timeScale: TIME_SCALE, settings: SETTINGS });
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
  const names = new Map<string, string>();
  const deliveries = new Map<string, number>();
  const narrate = createNarrator();
  const tell: Tell = (jobId, what, details) => narrate(names.get(jobId) ?? jobId, what, details);
  const fleet = createFleet(system, (note) => onNote(note));
  const mishaps = createMishaps({ fleet, tell });
  const chapter = createDeadLetterChapter({ system, fleet, tell });
  const onNote = (note: WorkerNote) => {
    if (note.note === 'delivered') deliveries.set(note.jobId, (deliveries.get(note.jobId) ?? 0) + 1);
    if (note.note === 'threw') tell(note.jobId, 'threw', wordsOfError(note));
    mishaps.onNote(note);
  };
  const businesses = readBusinesses();
  if (system.dashboard) system.door.route('/', system.dashboard);
  introduce(system, businesses.length);
  for (let worker = 0; worker < WORKERS; worker += 1) fleet.hire();

  const deadline = Date.now() + PATIENCE_MS;
  let hasRefused = false;
  const producing = produce(system, database, businesses, (jobId, { name, packageSize }) => {
    names.set(jobId, name);
    tell(jobId, 'created', `${packageSize} directories`);
  });
  const following = followHistory(
    database,
    (event) => {
      const words = wordsOf(event);
      if (words) tell(event.job_id, ...words);
      hasRefused ||= event.event === 'completion_refused';
      mishaps.onEvent(event);
    },
    async () => {
      chapter.look();
      const isStoryTold = hasRefused && chapter.isOver();
      return Date.now() > deadline || (isStoryTold && (await isAllDone(database, businesses.length)));
    },
  );
  await Promise.all([producing, following]);
  fleet.stop();
  const answers = await askTooOften(system, tell);

  const evidence = {
    answers,
    deliveries,
    deaths: mishaps.deaths,
    alerts: chapter.alerts(),
    alertSeconds: chapter.alertSeconds(),
    isAllClear: chapter.isOver(),
  };
  return closeAccount(system, await takeAccount(database, evidence));
}

function wordsOfError({ workerId, receive, error }: WorkerNote): string {
  return `${workerId} at receive ${receive} of ${SETTINGS.QUEUE_MAX_RECEIVES}, before it claimed the job: ${error}`;
}

function introduce(system: LocalSystem, jobs: number): void {
  console.log(
    `${jobs} jobs, ${WORKERS} workers that will be killed; a job is stale after ${STALE_AFTER} without a sign of`,
  );
  console.log(
    `life, a message is dead after ${SETTINGS.QUEUE_MAX_RECEIVES} receives. Dashboard: ${system.apiUrl} · Slack: ${system.apiUrl}/slack\n`,
  );
}

/** Prints the account, and what was to be seen in it and is not. */
function closeAccount(system: LocalSystem, account: Account): number {
  const schedule = system.plan.schedules.find(({ functionName }) => shortNameOf(functionName) === 'dlq-monitor');
  const deployed = periodMs(schedule?.expression ?? '') / 1_000;
  console.log(`\n${describeAccount(account, { here: deployed / TIME_SCALE, deployed })}`);
  const missing = whatIsMissing(account);
  if (missing.length > 0) console.error(`Not seen: ${missing.join(', ')}`);
  return missing.length === 0 ? 0 : 1;
}

async function isAllDone(database: pg.Client, jobs: number): Promise<boolean> {
  const { rows } = await database.query<{ done: number }>(
    "select count(*)::integer as done from public.jobs where status = 'completed'",
  );
  return rows[0]?.done === jobs;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
