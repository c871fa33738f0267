/**
 * `npm run bench -- recoveries [--jobs 10000]`: how many stale jobs a second the whole monitor recovers: the deployed
 * bundle in its own process, real Postgres and PostgREST, the SQS emulator, the outage breaker off. A job counts when
 * it is pending again and its message is in the queue.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import pg from 'pg';
import type { RunReport } from '../lambdas/stale-job-monitor/run.ts';
import { type LocalSystem, startSystem } from '../local/system.ts';

/** All of them fell silent an hour ago. */
const WORKERS = 100;
const MONITOR = 'stale-job-monitor';
/** What each SQL function is in a run; all else is sending, and the monitor's own work. */
const PARTS: Record<string, string> = {
  stale_job_health: 'look',
  recover_stale_jobs: 'recover',
  take_dispatches: 'take messages',
  mark_dispatches: 'mark messages',
  record_monitor_run: 'record',
};

const { values } = parseArgs({ options: { jobs: { type: 'string', default: '10000' } } });
const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs is ${values.jobs}, wanted a whole number from 1`);

const system = await startSystem({ schedules: false, settings: { BREAKER_MIN_RUNNING: '1000000' } });
const database = new pg.Client({ connectionString: system.databaseUrl });
try {
  await database.connect();
  await system.invoke(MONITOR); // warm, as Lambda keeps it
  await storeStaleJobs();
  const timings = timeCalls(system);
  const runs: { report: RunReport; ms: number }[] = [];
  for (let dispatched = 0; dispatched < jobs; dispatched += runs.at(-1)?.report.dispatched ?? 0) {
    const startedAt = performance.now();
    const result = await system.invoke(MONITOR);
    if (!result.ok) throw new Error(`run ${runs.length + 1} failed: ${result.errorMessage}`);
    runs.push({ report: result.value as RunReport, ms: performance.now() - startedAt });
  }
  await assertAllDone();
  print(runs, timings);
} finally {
  await database.end();
  await system.stop();
}

async function storeStaleJobs(): Promise<void> {
  await database.query(
    `insert into public.jobs (customer_id, package_size, status, lease, worker_id, started_at, updated_at, created_at)
     select 'customer-' || n % 100, 50, 'in_progress', 1, 'worker-' || n % $2, t, t, t
     from generate_series(1, $1::integer) n, lateral (select now() - interval '1 hour' - n * interval '1 ms') as old (t)`,
    [jobs, WORKERS],
  );
  await database.query(
    `insert into public.worker_heartbeats (worker_id, last_heartbeat)
     select 'worker-' || n, now() - interval '1 hour' from generate_series(0, $1::integer - 1) n`,
    [WORKERS],
  );
  await database.query('analyze');
}

/** Milliseconds and number of the calls of each SQL function, as the gateway sees them. */
function timeCalls({ door, supabase }: LocalSystem): Map<string, { ms: number; calls: number }> {
  const timings = new Map<string, { ms: number; calls: number }>();
  door.route('/rest/v1', (request, response) => {
    const name = request.url?.split('/').at(-1) ?? '';
    const startedAt = performance.now();
    response.once('finish', () => {
      const { ms, calls } = timings.get(name) ?? { ms: 0, calls: 0 };
      timings.set(name, { ms: ms + performance.now() - startedAt, calls: calls + 1 });
    });
    supabase.handle(request, response);
  });
  return timings;
}

/** A figure of work that was not done would be worth nothing. */
async function assertAllDone(): Promise<void> {
  const { rows } = await database.query(
    `select
       (select count(*) from public.jobs where status = 'pending' and lease = 2)::integer as pending,
       (select count(*) from public.queue_history where event = 'requeued_stale')::integer as events`,
  );
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: system.queueUrl, AttributeNames: ['All'] }),
  );
  sqs.destroy();
  const messages =
    Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesDelayed']);
  const done = { ...rows[0], messages };
  for (const [what, count] of Object.entries(done)) {
    if (count !== jobs) throw new Error(`${what}: ${count}, wanted ${jobs}`);
  }
}

function print(runs: { report: RunReport; ms: number }[], timings: Map<string, { ms: number; calls: number }>): void {
  const totalMs = runs.reduce((sum, { ms }) => sum + ms, 0);
  const line = (what: string, ms: number, note: string) =>
    console.log(
      `  ${what.padEnd(24)}${seconds(ms).padStart(8)} s ${((100 * ms) / totalMs).toFixed(0).padStart(3)} %  ${note}`,
    );
  console.log(`${number(jobs)} stale jobs, breaker off, Node.js ${process.version}, ${machine()}`);
  for (const [index, { report, ms }] of runs.entries()) {
    console.log(
      `run ${index + 1}: recovered ${number(report.requeued)}, dispatched ${number(report.dispatched)}, ${seconds(ms)} s`,
    );
  }
  let rest = totalMs;
  for (const [name, part] of Object.entries(PARTS)) {
    const { ms, calls } = timings.get(name) ?? { ms: 0, calls: 0 };
    rest -= ms;
    line(part, ms, `${calls} calls of ${name}`);
  }
  line('send to SQS, all else', rest, `${number(Math.ceil(jobs / 10))} batches`);
  console.log(`recoveries per second: ${number(Math.round((1000 * jobs) / totalMs))}`);
}

function machine(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
