import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { type LocalSystem, startSystem } from '../../local/system.ts';
import { commandsFor, type Ran, type RunOptions } from './cli-runner.ts';

const WEBHOOK = '/queuekeeper/local/slack-webhook-url';
const KEY = '/queuekeeper/local/supabase-service-key';
const MONITORS = ['stale-job-monitor', 'dlq-monitor'];
// A test waits for windows of the limit, runs of monitors and processes that start.
jest.setTimeout(180_000);

/** A window that a test can wait for. */
const LIMIT = { RATE_LIMIT_REQUESTS: '20', RATE_LIMIT_WINDOW_SECONDS: '5' };

let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
let run: ReturnType<typeof commandsFor>;
/** The monitors that run just now, every second instead of every few minutes. */
const running = new Set<string>();
let runUnderWay: Promise<unknown> | undefined;
const stopping = new AbortController();
let ticking: Promise<void>;

beforeAll(async () => {
  system = await startSystem({ schedules: false, settings: LIMIT });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
  run = commandsFor(system);
  ticking = tick();
}, 180_000);
afterAll(async () => {
  stopping.abort();
  await ticking;
  sqs?.destroy();
  await database?.end();
  await system?.stop();
});

async function tick(): Promise<void> {
  while (!stopping.signal.aborted) {
    for (const name of running) {
      runUnderWay = system.invoke(name);
      await runUnderWay;
    }
    await sleep(1_000);
  }
}

/** From now on this monitor does not run, and a run that had begun is over. */
async function stop(monitor: string): Promise<void> {
  running.delete(monitor);
  await runUnderWay;
}

/** A system in order, in which both monitors run well: what went wrong in the test before is over. */
beforeEach(async () => {
  await emptyDlq();
  await database.query('delete from public.dead_letters');
  const mendedAt = new Date(Date.now() + 1_500);
  for (const name of MONITORS) running.add(name);
  for (;;) {
    const { rows } = await database.query(
      'select distinct monitor from public.monitor_runs where succeeded and started_at > $1',
      [mendedAt],
    );
    if (rows.length === MONITORS.length) break;
    await sleep(200);
  }
  system.slack.clear();
});

async function verify(args: string[] = ['--quick'], options?: RunOptions) {
  const ran = await run(['verify', '--local', ...args], options);
  const failures = ran.stdout.split('\n').filter((line) => line.startsWith('✗ '));
  return { ...ran, failures, passed: named(ran, '✓'), open: named(ran, '–') };
}

/** The names of the checks with this sign. */
function named({ stdout }: Ran, sign: string): string[] {
  return stdout.split('\n').flatMap((line) => (line.startsWith(`${sign} `) ? [line.slice(2).split(':')[0] ?? ''] : []));
}

async function messagesInDlq(): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const command = new GetQueueAttributesCommand({ QueueUrl: system.dlqUrl, AttributeNames: [...names] });
  const { Attributes = {} } = await sqs.send(command);
  return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
}

/** As a person does; a purge is refused a second time within a minute. */
async function emptyDlq(): Promise<void> {
  const QueueUrl = system.dlqUrl;
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
}

async function leftovers() {
  const { rows } = await database.query('select count(*)::integer as n from public.dead_letters');
  return { messages: await messagesInDlq(), records: rows[0].n };
}

/** The functions keep a secret for minutes; in a new process they read it again. */
async function forgetSecrets(): Promise<void> {
  for (const each of Object.values(system.functions)) await each.kill();
}

const slackTitles = () => system.slack.messages.map(({ payload }) => payload.text);

describe('verify on a healthy system', () => {
  test('has a ✓ for everything, tells Slack, and leaves nothing behind', async () => {
    const { status, passed, failures, open, stdout } = await verify([]);
    expect({ status, failures, open }).toEqual({ status: 0, failures: [], open: [] });
    expect(passed).toHaveLength(11);
    expect(stdout).toContain('of 25 requests, 20 were answered and 5 got 429');
    expect(slackTitles()).toContain('Test alert from Queuekeeper (local)');
    expect(slackTitles()).toContainEqual(expect.stringContaining('Dead Letter Queue Alert - 1 failed job(s)'));
    expect(await leftovers()).toEqual({ messages: 0, records: 0 });
  });

  test('is not misled by its own test message a moment ago', async () => {
    await stop('dlq-monitor');
    await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: '{}' }));
    await system.invoke('dlq-monitor');
    await emptyDlq();
    const { status, stdout } = await verify();
    expect(stdout).toContain('✓ Health: well but for dead letters that are gone by now');
    expect(status).toBe(0);
  });

  test('is one JSON document with --json, and --quick leaves out the test message', async () => {
    const { status, stdout } = await verify(['--quick', '--json']);
    const { is_well: isWell, checks } = JSON.parse(stdout);
    expect({ status, isWell }).toEqual({ status: 0, isWell: true });
    expect(checks).toContainEqual({ name: 'Dead letters', outcome: 'not checked', what: 'left out by --quick' });
  });

  test.each([
    ['after Ctrl-C', 'SIGINT', false],
    ['when its terminal is closed', 'SIGHUP', true],
  ] as const)('removes its test message also %s, and fails', async (_when, signal, isStderrClosed) => {
    await stop('dlq-monitor'); // so that no alert ends the wait
    let pid = 0;
    const verifying = verify([], { onStart: (id) => (pid = id), isStderrClosed });
    while ((await messagesInDlq()) === 0) await sleep(100);
    await sleep(500);
    process.kill(pid, signal);
    const { status, open, failures, stderr } = await verifying;
    expect({ status, failures, open }).toEqual({ status: 1, failures: [], open: ['Dead letters', 'Logs'] });
    expect(stderr.includes('Interrupted: tidying up')).toBe(!isStderrClosed);
    expect(await leftovers()).toEqual({ messages: 0, records: 0 });
  });

  test('leaves the dead letters of others where they are', async () => {
    const MessageBody = '{"reason":"a real one"}';
    await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody }));
    await verify([]);
    expect(await leftovers()).toEqual({ messages: 1, records: 1 });
  });
});

type Broken = readonly [fault: string, check: string, text: string, break_: () => unknown, mend: () => unknown];

const sql = (text: string) => () => database.query(text);
const file = (path: string) => async () => database.query(await readFile(path, 'utf8'));

describe('verify names the one thing that is broken', () => {
  const faults: Broken[] = [
    [
      'no grants on a table',
      'Database',
      'no grants: the key (role service_role) may not use jobs',
      sql('revoke all on public.jobs from service_role'),
      file('migrations/001_jobs.sql'),
    ],
    [
      'no grants on a function',
      'Database',
      'no grants: the key (role service_role) may not use find_stale_jobs',
      sql('revoke execute on function public.find_stale_jobs(integer) from service_role'),
      sql('grant execute on function public.find_stale_jobs(integer) to service_role'),
    ],
    [
      'migration 005 missing',
      'Database',
      '005_find_stale_jobs_function.sql is missing: no job_policies, effective_job_policies, judge_stale_jobs',
      file('migrations/rollback/005_find_stale_jobs_function.sql'),
      file('migrations/005_find_stale_jobs_function.sql'),
    ],
    [
      'a table that anon may read',
      'Outsiders',
      'anon is not refused on worker_heartbeats (HTTP 200)',
      sql('grant select on public.worker_heartbeats to anon'),
      sql('revoke all on public.worker_heartbeats from anon'),
    ],
    [
      'another key in SSM',
      'Secrets',
      `SSM does not hold what is set here: ${KEY}`,
      async () => {
        system.ssm.set(KEY, 'sb_secret_wrong');
        await forgetSecrets();
      },
      async () => {
        system.ssm.set(KEY, system.serviceKey);
        await forgetSecrets();
      },
    ],
    [
      'no webhook',
      'Slack',
      'SLACK_WEBHOOK_URL not configured',
      () => system.ssm.delete(WEBHOOK),
      () => system.ssm.set(WEBHOOK, webhook()),
    ],
    [
      'a webhook that was revoked',
      'Slack',
      'Slack refused the message: HTTP 404 "no_service"',
      () => system.slack.answerNext({ status: 404 }),
      () => system.slack.clear(),
    ],
    [
      'the stale-job-monitor off',
      'stale-job-monitor',
      'stale-job-monitor has not run yet; it runs every 2 min.',
      off('stale-job-monitor'),
      () => {},
    ],
    [
      'the dlq-monitor off',
      'dlq-monitor',
      'dlq-monitor has not run yet; it runs every 5 min.',
      off('dlq-monitor'),
      () => {},
    ],
  ];

  test.each(faults)('%s: ✗ %s', async (_fault, check, text, break_, mend) => {
    await break_();
    await sleep(1_500); // the schema cache, and a run that meets the fault
    try {
      const { status, failures, stdout } = await verify(check === 'Slack' ? [] : ['--quick']);
      expect(failures).toEqual([expect.stringMatching(`^✗ ${check}: `)]);
      expect(status).toBe(1);
      expect(stdout).toMatch(new RegExp(`✗ ${check}: .*\\n {4}→ \\S`));
      expect(stdout).toContain(text);
    } finally {
      await mend();
    }
  });

  test('the wrong key here: ✗ Database', async () => {
    const { status, failures } = await verify(['--quick'], { facts: { serviceKey: 'sb_secret_wrong' } });
    expect(failures).toEqual([expect.stringMatching('^✗ Database: the key was refused')]);
    expect(status).toBe(1);
  });

  test('a publishable key of another project: ✗ Outsiders, and no table is blamed', async () => {
    const { failures } = await verify(['--quick'], { facts: { anonKey: 'sb_publishable_wrong' } });
    expect(failures).toEqual(['✗ Outsiders: the key itself was refused: Invalid API key']);
  });

  test('an API that is not there: ✗ Health, and the limit is not blamed', async () => {
    const { failures, open } = await verify(['--quick'], { facts: { apiUrl: 'http://127.0.0.1:1' } });
    expect(failures).toEqual([expect.stringMatching('^✗ Health: http://127.0.0.1:1/api/health does not answer')]);
    expect(open).toContain('Rate limit');
  });

  test('another service in place of the API: ✗ Health', async () => {
    const { failures } = await verify(['--quick'], { facts: { apiUrl: system.sqsEndpoint } });
    expect(failures).toEqual([expect.stringMatching('^✗ Health: ')]);
  });

  test('settings that are missing: ✗ Settings, and the rest needs them', async () => {
    const { status, stdout } = await run(['verify', '--quick']);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^✗ Settings: 3 missing or wrong\n {4}AWS_DEFAULT_REGION is missing.*\n {4}SUPABASE_URL is/);
    expect(stdout.match(/SUPABASE_URL is missing/g)).toHaveLength(1);
    expect(stdout).toContain('1 failed, 0 passed, 11 not checked.');
  });
});

function webhook(): string {
  return `${system.apiUrl}/slack/services/T0/B0/local`;
}

function off(name: string) {
  return async () => {
    await stop(name);
    await database.query('delete from public.monitor_runs where monitor = $1', [name]);
  };
}
