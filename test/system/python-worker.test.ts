/** The worker of examples/python-worker, as docs/workers.md hands it to other teams, against the whole system. */

import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type LocalSystem, startSystem } from '../../local/system.ts';
import { findPython, type PythonWorker, startPythonWorker } from './python-process.ts';

let python: string;
let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
let workers: PythonWorker[] = [];

beforeAll(async () => {
  python = findPython();
  // The breaker would see an outage in every test: all running jobs are stale.
  system = await startSystem({ schedules: false, settings: { BREAKER_MIN_RUNNING: '1000000' } });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
}, 120_000);
afterAll(async () => {
  sqs?.destroy();
  await database?.end();
  await system?.stop();
});

beforeEach(async () => {
  await database.query('delete from public.jobs');
  await database.query('delete from public.job_dispatches');
});
afterEach(async () => {
  if (!system) return;
  system.supabase.fault(undefined);
  for (const { process } of workers) process.kill('SIGKILL');
  await Promise.all(workers.map((worker) => worker.exited()));
  workers = [];
  await expectEmptyQueue();
});

function aWorker(environment: Record<string, string> = {}): PythonWorker {
  const worker = startPythonWorker(python, system, environment);
  workers.push(worker);
  return worker;
}

/** What a producer does: first the row, then the message. Answers the job's id. */
async function order(packageSize: number, metadata: unknown = { website: 'https://example.com' }): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    'insert into public.jobs (customer_id, package_size, metadata) values ($1, $2, $3) returning id',
    ['acme', packageSize, JSON.stringify(metadata)],
  );
  const job_id = rows[0]?.id as string;
  await send(JSON.stringify({ job_id, customer_id: 'acme', package_size: packageSize, priority: 3 }));
  return job_id;
}

const send = (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl: system.queueUrl, MessageBody }));

async function messagesIn(QueueUrl: string): Promise<{ visible: number; hidden: number }> {
  const request = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
  const { Attributes = {} } = await sqs.send(request);
  return {
    visible: Number(Attributes['ApproximateNumberOfMessages']),
    hidden: Number(Attributes['ApproximateNumberOfMessagesNotVisible']),
  };
}

/** Every test leaves none: what no worker deleted would come to the next one. */
async function expectEmptyQueue(): Promise<void> {
  expect(await messagesIn(system.queueUrl)).toEqual({ visible: 0, hidden: 0 });
}

async function eventually(check: () => Promise<void>): Promise<void> {
  for (const until = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

async function jobOf(id: string) {
  const { rows } = await database.query(
    'select status, lease::integer, errors, recoveries, error_message, worker_id from public.jobs where id = $1',
    [id],
  );
  return rows[0];
}

async function eventsOf(id: string): Promise<string[]> {
  const { rows } = await database.query('select event from public.queue_history where job_id = $1 order by id', [id]);
  return rows.map(({ event }) => event);
}

/**
 * An hour passes without a sign of life, and the monitor runs. A sign that was on its way when the worker fell silent keeps
 * the job alive, rightly: then another hour passes.
 */
async function recover(id: string): Promise<void> {
  const anHourAgo = `clock_timestamp() - interval '1 hour'`;
  const recovered = async () => (await eventsOf(id)).includes('requeued_stale');
  for (let hours = 0; hours < 5 && !(await recovered()); hours += 1) {
    await database.query(
      `update public.jobs set created_at = ${anHourAgo}, started_at = ${anHourAgo}, updated_at = ${anHourAgo}`,
    );
    await database.query(`update public.job_heartbeats set last_heartbeat = ${anHourAgo}`);
    await database.query(`update public.worker_heartbeats set last_heartbeat = ${anHourAgo}`);
    expect(await system.invoke('stale-job-monitor')).toEqual(expect.objectContaining({ ok: true }));
  }
  expect(await recovered()).toBe(true);
}

const SLOW = { SUBMISSION_SECONDS: '0.3' };

test('A worker does a job, delivers it once, and deletes the message', async () => {
  const id = await order(3);
  const worker = aWorker();
  await worker.saw(/completed job/);
  await eventually(expectEmptyQueue);
  expect(await jobOf(id)).toMatchObject({ status: 'completed', lease: 1 });
  expect(await eventsOf(id)).toEqual(['claimed', 'completed']);
  expect(worker.lines.filter((line) => line.includes(`delivered job ${id}`))).toHaveLength(1);
});

describe('A worker that is killed', () => {
  test('in the middle of a job: the job is recovered, and a second worker finishes it', async () => {
    const id = await order(40);
    const first = aWorker(SLOW);
    await first.saw(/submission 2 of 40/);
    first.process.kill('SIGKILL');
    await first.exited();
    const { worker_id } = await jobOf(id);
    await recover(id);

    const second = aWorker();
    await second.saw(/delivered job/);
    await eventually(expectEmptyQueue);
    expect(await eventsOf(id)).toEqual(['claimed', 'requeued_stale', 'claimed', 'completed']);
    expect(await jobOf(id)).toMatchObject({ status: 'completed', lease: 3, recoveries: 0 });
    expect((await jobOf(id)).worker_id).not.toBe(worker_id);
    expect(first.lines.join('\n')).not.toContain('delivered');
  });
});

describe('A worker that is told to stop', () => {
  test('gives its job back unharmed when the time is too short, and a second worker finishes it', async () => {
    const id = await order(40);
    const first = aWorker({ ...SLOW, SHUTDOWN_SECONDS: '0' });
    await first.saw(/submission 2 of 40/);
    first.process.kill('SIGTERM');
    expect(await first.exited()).toBe(0);
    expect(await jobOf(id)).toMatchObject({ status: 'pending', recoveries: 0, errors: 0 });
    await expectEmptyQueue();

    expect(await system.invoke('stale-job-monitor')).toMatchObject({ ok: true });
    await aWorker().saw(/delivered job/);
    await eventually(expectEmptyQueue);
    expect(await eventsOf(id)).toEqual(['claimed', 'released', 'claimed', 'completed']);
  });

  test('finishes its job when there is time, and takes no other', async () => {
    const id = await order(20);
    const worker = aWorker({ ...SLOW, SHUTDOWN_SECONDS: '50' });
    await worker.saw(/submission 2 of 20/);
    const next = await order(1);
    worker.process.kill('SIGTERM');
    expect(await worker.exited()).toBe(0);
    expect(await eventsOf(id)).toEqual(['claimed', 'completed']);
    expect(await eventsOf(next)).toEqual([]);
    await aWorker().saw(new RegExp(`delivered job ${next}`));
    await eventually(expectEmptyQueue);
  });

  test('while it waits for a message ends at once', async () => {
    const worker = aWorker();
    await worker.saw(/is ready/);
    const before = Date.now();
    worker.process.kill('SIGTERM');
    expect(await worker.exited()).toBe(0);
    // Its long poll would last 20.
    expect(Date.now() - before).toBeLessThan(15_000);
  });
});

describe('A worker that lost its job', () => {
  test('while it was paused stops at once and writes nothing', async () => {
    const id = await order(40);
    const late = aWorker(SLOW);
    await late.saw(/submission 2 of 40/);
    late.process.kill('SIGSTOP');
    await recover(id);
    const other = aWorker();
    await other.saw(/delivered job/);
    await eventually(expectEmptyQueue);
    const everything = () =>
      database.query(
        `select (select json_agg(j) from public.jobs j) as jobs, (select json_agg(h) from public.job_heartbeats h) as beats,
           (select json_agg(d) from public.job_dispatches d) as dispatches,
           (select json_agg(h) from public.queue_history h where job_id = $1) as history`,
        [id],
      );
    const { rows: before } = await everything();

    late.process.kill('SIGCONT');
    const lost = await late.saw(/lost job/);
    const { rows: after } = await everything();
    expect(after).toEqual(before);
    expect(late.lines.slice(lost).join('\n')).not.toContain('submission');
    expect(late.lines.join('\n')).not.toContain('delivered');
  });

  test('without hearing of it is refused at the end, and does not deliver', async () => {
    const id = await order(40);
    const late = aWorker(SLOW);
    await late.saw(/submission 1 of 40/);
    const other = aWorker();
    await other.saw(/is ready/);
    system.supabase.fault((_method, path) => (path === '/rpc/heartbeat_job' ? 'down' : undefined));
    await recover(id);
    await other.saw(/delivered job/);
    await late.saw(/lost job/);
    expect(await eventsOf(id)).toEqual(['claimed', 'requeued_stale', 'claimed', 'completed', 'completion_refused']);
    expect(late.lines.join('\n')).toContain('submission 40 of 40');
    expect(late.lines.join('\n')).not.toContain('delivered');
    system.supabase.fault(undefined);
    // Its message was left alone, came back, and was not needed.
    await other.saw(new RegExp(`skipped job ${id}: finished`));
    await eventually(expectEmptyQueue);
  });
});

test('A job whose end was asked for is stopped and does not run again', async () => {
  const id = await order(40);
  const worker = aWorker(SLOW);
  await worker.saw(/submission 1 of 40/);
  await database.query('select public.cancel_job($1)', [id]);
  await worker.saw(/failed job/);
  await eventually(expectEmptyQueue);
  expect(await jobOf(id)).toMatchObject({ status: 'failed', error_message: 'Cancelled on request.' });
});

describe('A job that goes wrong', () => {
  test('is reported with its error, and tried again later', async () => {
    const id = await order(1, ['metadata of a shape that the work does not know']);
    await aWorker().saw(/retrying job/);
    await eventually(expectEmptyQueue);
    expect(await jobOf(id)).toMatchObject({ status: 'pending', errors: 1 });
    expect((await jobOf(id)).error_message).toContain('AttributeError');
  });

  test('without hope fails at once', async () => {
    const id = await order(1, {});
    await aWorker().saw(/failed job/);
    await eventually(expectEmptyQueue);
    expect(await jobOf(id)).toMatchObject({ status: 'failed', error_message: 'Hopeless: the order has no website' });
  });
});

test('A message that makes no sense goes to the dead-letter queue, and the jobs after it are done', async () => {
  const { visible: before } = await messagesIn(system.dlqUrl);
  await send('{"job_id": 4711');
  const worker = aWorker();
  await worker.saw(/makes no sense at receive 5/);
  const id = await order(1);
  await worker.saw(new RegExp(`delivered job ${id}`));
  await eventually(expectEmptyQueue);
  expect((await messagesIn(system.dlqUrl)).visible).toBe(before + 1);
  expect(worker.lines.filter((line) => line.includes('makes no sense'))).toHaveLength(5);
});

test('A message stays hidden from other workers for as long as its job runs', async () => {
  // It is hidden for 6 seconds at a time, 4 longer than a beat needs to come; the job runs for 8.
  await order(40);
  const worker = aWorker({ SUBMISSION_SECONDS: '0.2', HEARTBEAT_SECONDS: '2' });
  await worker.saw(/claimed job/);
  const other = aWorker();
  await other.saw(/is ready/);
  await worker.saw(/delivered job/);
  await eventually(expectEmptyQueue);
  expect(other.lines.join('\n')).not.toMatch(/claimed|skipped/);
});

describe('When the database', () => {
  test('is away, no message is received, and work begins when it is back', async () => {
    system.supabase.fault(() => 'down');
    const id = await order(1);
    const worker = aWorker();
    await worker.saw(/no answer from the database/);
    expect(await messagesIn(system.queueUrl)).toEqual({ visible: 1, hidden: 0 });
    system.supabase.fault(undefined);
    await worker.saw(new RegExp(`delivered job ${id}`));
    await eventually(expectEmptyQueue);
  });

  test('does not answer the completion at first, the call is repeated', async () => {
    let calls = 0;
    system.supabase.fault((_method, path) => {
      if (path !== '/rpc/complete_job') return undefined;
      calls += 1;
      return calls <= 2 ? 'down' : undefined;
    });
    const id = await order(1);
    const worker = aWorker();
    await worker.saw(/delivered job/);
    await eventually(expectEmptyQueue);
    expect(calls).toBe(3);
    expect(await eventsOf(id)).toEqual(['claimed', 'completed']);
  });

  test('refuses the key, the worker ends and says so, without a message', async () => {
    const id = await order(1);
    const worker = aWorker({ SUPABASE_SERVICE_KEY: 'sb_secret_of_another_project' });
    expect(await worker.exited()).toBe(1);
    expect(worker.lines.join('\n')).toMatch(/The worker cannot work: heartbeat_job: HTTP 401/);
    expect(worker.lines.join('\n')).not.toContain('sb_secret');
    expect(await messagesIn(system.queueUrl)).toEqual({ visible: 1, hidden: 0 });
    await aWorker().saw(new RegExp(`delivered job ${id}`));
    await eventually(expectEmptyQueue);
  });
});
