import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Handle } from '../../local/front-door.ts';
import type { Refuse } from '../../local/sqs/faults.ts';
import { type LocalSystem, startSystem } from '../../local/system.ts';

const MONITOR = 'stale-job-monitor';
const KEY_PARAMETER = '/queuekeeper/local/supabase-service-key';
/** Time from one run to the next. */
const PERIOD = '2 minutes';

let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
const lines: string[] = [];

beforeAll(async () => {
  // The breaker would see an outage in every test: all running jobs are stale.
  const settings = { BREAKER_MIN_RUNNING: '1000000' };
  system = await startSystem({ schedules: false, settings, onLine: (_name, line) => lines.push(line) });
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
  await receiveAll();
});
afterEach(() => {
  system.sqs.refuse(undefined);
  system.sqs.setDown(false);
  system.ssm.setDown(false);
  system.ssm.set(KEY_PARAMETER, system.serviceKey);
  system.supabase.fault(undefined);
  system.door.route('/rest/v1', system.supabase.handle);
});

type JobOptions = { readonly customerId?: string; readonly metadata?: string };

/** Stores jobs whose worker fell silent an hour ago, and answers their ids. */
async function staleJobs(count: number, { customerId = 'acme', metadata = '{}' }: JobOptions = {}): Promise<string[]> {
  const { rows } = await database.query(
    `insert into public.jobs (customer_id, package_size, status, lease, metadata, started_at, updated_at, created_at)
     select $2, 50, 'in_progress', 1, $3::jsonb, t, t, t
     from generate_series(1, $1), lateral (select now() - interval '1 hour') as old (t)
     returning id`,
    [count, customerId, metadata],
  );
  return rows.map(({ id }) => id);
}

const run = (options?: { concurrent: boolean }) => system.invoke(MONITOR, {}, options);

/** Ends the monitor's process this very moment, wherever it is. */
function killMonitor(): void {
  for (const pid of system.functions[MONITOR]?.pids() ?? []) process.kill(pid, 'SIGKILL');
}

/** Ends the monitor when it calls a function: before the database hears of it, or after its commit. */
function killAt(name: string, when: 'before' | 'after'): void {
  const handle: Handle = (request, response) => {
    if (request.url?.endsWith(`/rpc/${name}`)) {
      if (when === 'before') {
        killMonitor();
        return response.destroy();
      }
      const answer = response.writeHead.bind(response) as (...args: unknown[]) => typeof response;
      response.writeHead = (...args: unknown[]) => {
        killMonitor();
        return answer(...args);
      };
    }
    system.supabase.handle(request, response);
  };
  system.door.route('/rest/v1', handle);
}

/** The next run comes so much later; time passes by back-dating rows. */
async function untilTheNextRun(): Promise<void> {
  await database.query(`update public.job_dispatches set held_until = held_until - interval '${PERIOD}'`);
}

/** Takes every visible message off the job queue. */
async function receiveAll(): Promise<Message[]> {
  const QueueUrl = system.queueUrl;
  const all: Message[] = [];
  for (;;) {
    const request = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
    if (Messages.length === 0) return all;
    all.push(...Messages);
    for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
}

/** How many messages each of these jobs has got, if any. They are taken off the queue, late ones of others too. */
async function messagesPerJob(ids: string[]): Promise<Map<string, number>> {
  const count = new Map<string, number>();
  for (const { Body = '{}' } of await receiveAll()) {
    const { job_id } = JSON.parse(Body);
    if (ids.includes(job_id)) count.set(job_id, (count.get(job_id) ?? 0) + 1);
  }
  return count;
}

async function eventsPerJob(ids: string[]): Promise<Map<string, string[]>> {
  const { rows } = await database.query(
    `select j.id, array_remove(array_agg(h.event order by h.id), null) as events
     from unnest($1::uuid[]) as j (id) left join public.queue_history h on h.job_id = j.id group by j.id`,
    [ids],
  );
  return new Map(rows.map(({ id, events }) => [id, events]));
}

async function unsent(): Promise<{ job_id: string; last_error: string | null; held: boolean }[]> {
  const { rows } = await database.query(
    `select job_id, last_error, held_until is not null as held from public.job_dispatches where sent_at is null`,
  );
  return rows;
}

/** That each job was recovered exactly once, and no message is left to be sent. */
async function expectRecoveredOnce(ids: string[]): Promise<void> {
  const { rows } = await database.query(
    'select distinct status, lease::integer, recoveries from public.jobs where id = any ($1)',
    [ids],
  );
  expect(rows).toEqual([{ status: 'pending', lease: 2, recoveries: 1 }]);
  const histories = new Set([...(await eventsPerJob(ids)).values()].map(String));
  expect(histories).toEqual(new Set(['requeued_stale']));
  expect(await unsent()).toEqual([]);
}

describe('a monitor that is killed', () => {
  test.each([
    ['before it looks', 'stale_job_health', 'before'],
    ['before it recovers', 'recover_stale_jobs', 'before'],
    ['after the commit of the recovery', 'recover_stale_jobs', 'after'],
    ['before it takes messages', 'take_dispatches', 'before'],
    ['holding the messages that it took', 'take_dispatches', 'after'],
    ['before it records the run', 'record_monitor_run', 'before'],
    ['after it recorded the run', 'record_monitor_run', 'after'],
    ['after it marked what it sent', 'mark_dispatches', 'after'],
  ] as const)('%s leaves work that the next run finishes, each message sent once', async (_when, name, when) => {
    const ids = await staleJobs(25);
    killAt(name, when);
    expect(await run()).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });

    system.door.route('/rest/v1', system.supabase.handle);
    await untilTheNextRun();
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    expect(await messagesPerJob(ids)).toEqual(new Map(ids.map((id) => [id, 1])));
  });

  test('before it marks what it sent sends all again: twice is safe, never is not', async () => {
    const ids = await staleJobs(25);
    killAt('mark_dispatches', 'before');
    expect(await run()).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });

    system.door.route('/rest/v1', system.supabase.handle);
    await untilTheNextRun();
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    expect(await messagesPerJob(ids)).toEqual(new Map(ids.map((id) => [id, 2])));
  });

  test('in the middle of sending leaves no job without a message', async () => {
    const ids = await staleJobs(95);
    let calls = 0;
    system.sqs.refuse((action) => {
      if (action !== 'SendMessageBatch') return undefined;
      calls += 1;
      if (calls === 3) killMonitor();
      return calls < 3 ? undefined : { status: 500, type: 'InternalError', message: 'nobody listens any more' };
    });
    expect(await run()).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
    const first = await messagesPerJob(ids);
    expect(first.size).toBe(20);

    system.sqs.refuse(undefined);
    await untilTheNextRun();
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    const sent = await database.query(`select count(message_id)::integer as sent from public.job_dispatches`);
    expect(sent.rows).toEqual([{ sent: 95 }]);
  });

  test('does not hold its messages longer than until the next run', async () => {
    await staleJobs(3);
    killAt('take_dispatches', 'after');
    await run();
    const { rows } = await database.query(
      `select count(*)::integer as held, max(held_until) < clock_timestamp() + $1::interval as in_time
       from public.job_dispatches where held_until is not null`,
      [PERIOD],
    );
    expect(rows).toEqual([{ held: 3, in_time: true }]);
  });
});

describe('when SQS', () => {
  test('refuses 3 entries of a batch of 10, the others are sent and the next run sends exactly those 3', async () => {
    const ids = await staleJobs(10);
    const refused: string[] = [];
    system.sqs.refuse((action, { Entries = [] }) => {
      if (action !== 'SendMessageBatch') return undefined;
      refused.push(...Entries.slice(0, 3).map(({ Id }) => Id));
      return { entries: refused };
    });
    expect(await run()).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining(
        'send 3 messages (kept for the next run): InternalError: Refused for a test.',
      ),
    });
    expect(refused).toHaveLength(3);
    const sent = await messagesPerJob(ids);
    expect([...sent.values()]).toEqual(Array(7).fill(1));
    const left = await unsent();
    expect(left).toHaveLength(3);
    expect(left).toEqual(
      Array(3).fill(expect.objectContaining({ last_error: 'InternalError: Refused for a test.', held: false })),
    );

    system.sqs.refuse(undefined);
    expect(await run()).toMatchObject({ ok: true });
    expect(new Set((await messagesPerJob(ids)).keys())).toEqual(new Set(left.map(({ job_id }) => job_id)));
    await expectRecoveredOnce(ids);
  });

  test('is down, jobs are recovered all the same and their messages wait for the next run', async () => {
    const ids = await staleJobs(12);
    system.sqs.setDown(true);
    expect(await run()).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining('send 12 messages (kept for the next run): SQS: '),
    });
    expect(await unsent()).toHaveLength(12);

    system.sqs.setDown(false);
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    expect(await messagesPerJob(ids)).toEqual(new Map(ids.map((id) => [id, 1])));
  });

  test('takes a batch but its answer is lost, no job is without a message', async () => {
    const ids = await staleJobs(10);
    let calls = 0;
    system.sqs.refuse((action) => {
      calls += Number(action === 'SendMessageBatch');
      return action === 'SendMessageBatch' && calls === 1 ? 'drop-answer' : undefined;
    });
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    expect(await messagesPerJob(ids)).toEqual(new Map(ids.map((id) => [id, 2])));
  });

  test('is slower than a worker that fails the job at once, the message that this calls for is sent, too', async () => {
    const [id] = await staleJobs(1);
    const leases: number[] = [];
    system.sqs.refuse(async (action, { Entries = [] }) => {
      if (action !== 'SendMessageBatch') return undefined;
      for (const { MessageBody } of Entries as unknown as { MessageBody: string }[]) {
        leases.push(JSON.parse(MessageBody).lease);
      }
      if (leases.length > 1) return undefined;
      const { rows } = await database.query(`select public.claim_job($1, 'quick-worker') ->> 'lease' as lease`, [id]);
      await database.query(`select public.fail_job($1, $2, 'no luck', true)`, [id, rows[0].lease]);
      return undefined;
    });
    expect(await run()).toMatchObject({ ok: true });
    const { rows } = await database.query('select status, lease::integer from public.jobs where id = $1', [id]);
    expect(rows).toEqual([{ status: 'pending', lease: leases[1] }]);
    expect(leases).toHaveLength(2);
  });
});

describe('when the database', () => {
  test('is down, the run fails and says so, and the next one works', async () => {
    const ids = await staleJobs(3);
    system.supabase.fault(() => 'down');
    const failed = await run();
    expect(failed).toMatchObject({
      ok: false,
      errorMessage: expect.stringMatching(/look for stale jobs: stale_job_health: no answer.*record the run: /),
    });
    expect(failed.logs.join('\n')).toContain('Check iteration failed');

    system.supabase.fault(undefined);
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
  });

  test.each([
    ['before its headers', 'hang'],
    ['inside its answer', 'hang-in-body'],
  ] as const)('falls silent %s, the run ends in time, says so, and the next one works', async (_where, fault) => {
    const ids = await staleJobs(3);
    system.supabase.fault((_method, path) => (path === '/rpc/recover_stale_jobs' ? fault : undefined));
    expect(await run()).toMatchObject({
      ok: false,
      errorType: 'Error',
      errorMessage: expect.stringMatching(
        /^the run failed in part: recover stale jobs: recover_stale_jobs: no answer: TimeoutError/,
      ),
    });

    system.supabase.fault(undefined);
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
    expect(await messagesPerJob(ids)).toEqual(new Map(ids.map((id) => [id, 1])));
  });
});

describe('when the secret store', () => {
  test('is down, a warm monitor goes on with the key that it knows', async () => {
    await run();
    const ids = await staleJobs(2);
    system.ssm.setDown(true);
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
  });

  test('is down, a fresh monitor fails and names the parameter, and works as soon as it can', async () => {
    await system.functions[MONITOR]?.kill();
    const ids = await staleJobs(2);
    system.ssm.setDown(true);
    expect(await run()).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining(`cannot read the secret ${KEY_PARAMETER} from SSM: `),
    });
    system.ssm.setDown(false);
    expect(await run()).toMatchObject({ ok: true });
    await expectRecoveredOnce(ids);
  });

  test('holds a wrong key, the run fails, says where to look, and shows no key', async () => {
    await system.functions[MONITOR]?.kill();
    system.ssm.set(KEY_PARAMETER, 'sb_secret_of_another_project');
    const failed = await run();
    expect(failed).toMatchObject({ ok: false, errorMessage: expect.stringContaining('check SUPABASE_SERVICE_KEY') });
    expect(JSON.stringify(failed)).not.toContain('sb_secret_');
    await system.functions[MONITOR]?.kill();
  });
});

describe('a job that is hard to write down', () => {
  const hard: [string, JobOptions][] = [
    ['characters that SQS refuses', { customerId: 'a\ufffe\uffffb' }],
    ['quotes, line ends and control characters', { customerId: `"'\\\n\r\t\u0001\u007f` }],
    ['an emoji', { customerId: '🚨' }],
    ['100 kB of text', { customerId: 'x'.repeat(100_000) }],
    ['a number that no double holds', { metadata: '{"n": 1e400, "__proto__": {"x": [[[[]]]]}}' }],
  ];
  test.each(hard)('with %s is recovered as any other, and gets its message', async (_what, options) => {
    const [id = ''] = await staleJobs(1, options);
    const others = await staleJobs(9);
    expect(await run()).toMatchObject({ ok: true });
    const bodies = new Map((await receiveAll()).map(({ Body = '' }) => [JSON.parse(Body).job_id, JSON.parse(Body)]));
    expect([id, ...others].filter((one) => !bodies.has(one))).toEqual([]);
    expect(bodies.get(id)).toMatchObject({ customer_id: options.customerId ?? 'acme', lease: 2 });
    await expectRecoveredOnce([id, ...others]);
  });

  test('so long that two fill a batch does not keep the batch from being sent', async () => {
    const long = await staleJobs(2, { customerId: 'é'.repeat(100_000) });
    const others = await staleJobs(8);
    expect(await run()).toMatchObject({ ok: true });
    expect((await messagesPerJob([...long, ...others])).size).toBe(10);
    await expectRecoveredOnce([...long, ...others]);
  });

  test('too long for any message fails the run, but stops no other job', async () => {
    const [huge = ''] = await staleJobs(1, { customerId: 'é'.repeat(200_000) });
    const others = await staleJobs(9);
    expect(await run()).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining('send 1 message (kept for the next run): '),
    });
    expect(await messagesPerJob([huge, ...others])).toEqual(new Map(others.map((id) => [id, 1])));
    expect(await unsent()).toMatchObject([{ job_id: huge }]);
  });
});

describe('monitors at once', () => {
  /** Which jobs SQS got messages for. Some are delayed, so that they cannot be received yet. */
  function watchQueue(): Map<string, number> {
    const seen = new Map<string, number>();
    const watch: Refuse = (action, body) => {
      if (action !== 'SendMessageBatch') return undefined;
      for (const { MessageBody } of body.Entries as unknown as { MessageBody: string }[]) {
        const { job_id } = JSON.parse(MessageBody);
        seen.set(job_id, (seen.get(job_id) ?? 0) + 1);
      }
      return undefined;
    };
    system.sqs.refuse(watch);
    return seen;
  }

  async function messagesInQueue(): Promise<number> {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: system.queueUrl, AttributeNames: ['All'] }),
    );
    return Number(Attributes['ApproximateNumberOfMessages']) + Number(Attributes['ApproximateNumberOfMessagesDelayed']);
  }

  test.each([
    [2, 30],
    [10, 1_000],
  ])(
    '%i of them over %i stale jobs recover each once, and send each its message',
    async (monitors, jobs) => {
      const ids = await staleJobs(jobs);
      const seen = watchQueue();
      const before = await messagesInQueue();
      const runs = await Promise.all(Array.from({ length: monitors }, () => run({ concurrent: true })));
      expect(runs.map((one) => (one.ok ? 'ok' : one.errorMessage))).toEqual(Array(monitors).fill('ok'));

      await expectRecoveredOnce(ids);
      expect(new Set(seen.keys())).toEqual(new Set(ids));
      expect(Math.max(...seen.values())).toBe(1);
      expect((await messagesInQueue()) - before).toBe(jobs);
      const requeued = runs.map((one) => (one.ok ? (one.value as { requeued: number }).requeued : 0));
      expect(requeued.reduce((sum, count) => sum + count)).toBe(jobs);
    },
    180_000,
  );
});

test('no line of any run shows the key', () => {
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => line.includes(system.serviceKey))).toEqual([]);
});
