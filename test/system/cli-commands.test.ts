import { PurgeQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openContext } from '../../cli/context.ts';
import { type LocalSystem, startSystem } from '../../local/system.ts';
import { aJob, eventsOf, historyOf, jobRow } from '../database/builders.ts';
import { commandsFor } from './cli-runner.ts';

const AWS = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
/** What a terminal would obey, but for line ends. */
const OBEYED = /[\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]|(?!\n)\p{Cc}/u;

let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
let run: ReturnType<typeof commandsFor>;

beforeAll(async () => {
  system = await startSystem({ schedules: false });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  sqs = new SQSClient({ endpoint: system.sqsEndpoint, ...AWS });
  run = commandsFor(system);
}, 180_000);
afterAll(async () => {
  sqs?.destroy();
  await database?.end();
  await system?.stop();
});
afterEach(() => {
  system.sqs.refuse(undefined);
  system.supabase.fault(undefined);
});

async function received(QueueUrl: string) {
  const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 });
  return ((await sqs.send(command)).Messages ?? []).map(({ Body = '' }) => Body);
}

describe('stale', () => {
  test('lists, previews without a change, and recovers: the job, its message, and who asked', async () => {
    const id = await aJob(database, { workerId: 'w-1' });
    const list = JSON.parse((await run(['stale', 'list', '--local', '--json'])).stdout);
    expect(list).toMatchObject({ stale: 1, jobs: [{ id, worker_id: 'w-1' }] });

    const preview = await run(['stale', 'recover', '--dry-run', '--local']);
    expect(preview.stdout).toMatch(new RegExp(`${id}.*put back to work`));
    expect(await eventsOf(database, id)).toEqual([]);

    const { status, stdout } = await run(['stale', 'recover', '--yes', '--local', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ recoveries: [{ job_id: id, action: 'requeue' }], messages_sent: 1 });
    expect(await jobRow(database, id)).toMatchObject({ status: 'pending', lease: 2 });
    const [message = '{}'] = await received(system.queueUrl);
    expect(JSON.parse(message)).toMatchObject({ job_id: id, lease: 2 });
    const [, asked] = await historyOf(database, id);
    expect(asked).toMatchObject({
      event: 'recovery_requested',
      details: { requested_by: expect.stringMatching(/.@./) },
    });
    expect((await run(['stale', 'recover', '--yes', '--local'])).stdout).toBe('No stale jobs to recover.\n');
  });

  test('recovers one job and leaves the others alone', async () => {
    const [id, other] = [await aJob(database), await aJob(database)];
    const { status } = await run(['stale', 'recover', '--job', id, '--yes', '--local']);
    expect(status).toBe(0);
    expect(await eventsOf(database, id)).toEqual(['recovery_requested', 'requeued_stale']);
    expect(await eventsOf(database, other)).toEqual([]);
    await database.query('delete from public.jobs where id = $1', [other]);
  });

  test('refuses a job that is not stale, and says why', async () => {
    const id = await aJob(database, { status: 'completed' });
    const { status, stderr } = await run(['stale', 'recover', '--job', id, '--yes', '--local']);
    expect(status).toBe(1);
    expect(stderr).toBe(`Nothing was done: job ${id} is not stale: it is completed.\n`);
  });

  test('does nothing where nobody can be asked', async () => {
    const id = await aJob(database);
    const { status, stderr } = await run(['stale', 'recover', '--local']);
    expect(status).toBe(2);
    expect(stderr).toContain('Recover this job? There is no terminal to ask at, and nothing was done: add --yes');
    expect(await jobRow(database, id)).toMatchObject({ status: 'in_progress' });
    await database.query('delete from public.jobs where id = $1', [id]);
  });

  test('leaves a message that SQS refuses to the monitor, and says so', async () => {
    const id = await aJob(database);
    system.sqs.refuse((action) =>
      action === 'SendMessageBatch' ? { status: 400, type: 'OverLimit', message: 'Not now.' } : undefined,
    );
    const { status, stdout } = await run(['stale', 'recover', '--job', id, '--yes', '--local']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Messages sent: 0\. The rest is sent by the monitor's next run: .*Not now\./);
    system.sqs.refuse(undefined);
    await system.invoke('stale-job-monitor');
    expect((await received(system.queueUrl)).some((body) => body.includes(id))).toBe(true);
  });

  test('orders no terminal about, whatever a job is called', async () => {
    const id = await aJob(database, { jobType: '\u001b[2J\u009b2J\u202egpj', workerId: 'a\nb\u0007' });
    const { stdout } = await run(['stale', 'list', '--local']);
    expect(stdout).toContain('\\x1b[2J\\x9b2J\\u202egpj');
    expect(stdout).not.toMatch(OBEYED);
    await database.query('delete from public.jobs where id = $1', [id]);
  });
});

describe('dlq', () => {
  test('records what is there with its body, lists it, and redrives it after a yes only', async () => {
    const body = '{"job_id":"poison","reason":"bad\\u001b[2Jrow"}';
    await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: body }));
    expect((await run(['dlq', 'list', '--local'])).stdout).toContain('not recorded yet: npx queuekeeper dlq record');

    const recorded = await run(['dlq', 'record', '--local', '--json']);
    expect(JSON.parse(recorded.stdout)).toMatchObject({ in_queue: 1, read: 1, new: 1, problems: [] });
    const { rows } = await database.query('select body from public.dead_letters');
    expect(rows).toEqual([{ body }]);

    const list = await run(['dlq', 'list', '--local']);
    expect(list.stdout).toContain('bad\\x1b[2Jrow');
    expect(list.stdout).not.toMatch(OBEYED);
    expect(await received(system.dlqUrl)).toEqual([body]);

    const refused = await run(['dlq', 'redrive', '--local']);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(
      'Move 1 dead letter of queuekeeper-local-dead-letters back to the queue, 10 a second (about 1 s)?',
    );
    expect(await received(system.dlqUrl)).toEqual([body]);

    const moved = await run(['dlq', 'redrive', '--rate', '5', '--yes', '--local']);
    expect({ status: moved.status, stdout: moved.stdout }).toEqual({ status: 0, stdout: 'COMPLETED: 1 moved.\n' });
    expect(await received(system.dlqUrl)).toEqual([]);
    expect(await received(system.queueUrl)).toContain(body);
    expect((await run(['dlq', 'redrive', '--cancel', '--local'])).stdout).toBe('No redrive is running.\n');
    await sqs.send(new PurgeQueueCommand({ QueueUrl: system.queueUrl }));
  });
});

describe('keys', () => {
  test('opens the API with a new key, and closes it when the key is revoked', async () => {
    const made = await run(['keys', 'create', '--plan', 'pro', '--name', 'acme', '--local', '--json']);
    const { value, id } = JSON.parse(made.stdout);
    const ask = () => fetch(`${system.apiUrl}/api/queue/nobody`, { headers: { 'x-api-key': value } });
    expect((await ask()).status).toBe(404);

    const list = await run(['keys', 'list', '--local']);
    expect(list.stdout).toMatch(new RegExp(`acme +pro +${id}`));
    expect(list.stdout).not.toContain(value);

    const twice = await run(['keys', 'create', '--plan', 'pro', '--name', 'acme', '--local']);
    expect(twice).toMatchObject({ status: 2, stdout: '' });
    expect(twice.stderr).toContain('there is a key named "acme" already');
    expect(await run(['keys', 'revoke', 'acme', '--local'])).toMatchObject({ status: 2 });
    expect((await ask()).status).toBe(404);

    expect(await run(['keys', 'revoke', 'acme', '--yes', '--local'])).toMatchObject({ status: 0 });
    expect((await ask()).status).toBe(403);
    expect(await run(['keys', 'revoke', 'acme', '--yes', '--local'])).toMatchObject({ status: 2 });
  });
});

describe('status', () => {
  test('is one screen; without the database the rest is still shown, and the exit code tells', async () => {
    for (const name of ['stale-job-monitor', 'dlq-monitor']) await system.invoke(name);
    const well = await run(['status', '--local']);
    expect(well.stdout).toMatch(/^Queuekeeper local \(us-east-1\), .*: all well\n\nHealth {14}healthy/);
    expect(well.status).toBe(0);

    system.supabase.fault(() => 'down');
    const { status, stdout } = await run(['status', '--local', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      is_well: false,
      api: { status: 'unhealthy' },
      jobs: null,
      dead_letter_queue: { visible: 0 },
      unknown: [{ part: 'database' }],
    });
  });
});

describe('secrets push', () => {
  const KEY = 'sb_secret_AbCdEfGhIjKlMnOpQrStUvWxYz';
  const name = '/queuekeeper/blue/supabase-service-key';
  const environment = () => ({
    STAGE: 'blue',
    AWS_DEFAULT_REGION: 'us-east-1',
    SUPABASE_URL: 'https://acme.supabase.co',
    SUPABASE_SERVICE_KEY: KEY,
    AWS_ENDPOINT_URL_SSM: system.ssm.endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });

  test('says what it would store, stores it, and then has nothing to do; no value is printed', async () => {
    const push = (...options: string[]) => run(['secrets', 'push', ...options], { environment: environment() });
    const runs = [await push('--dry-run'), await push(), await push()];
    expect(runs.map(({ stdout }) => stdout)).toEqual([
      `would store  ${name}\n`,
      `stored  ${name}\n`,
      'nothing to do: SSM holds the same\n',
    ]);
    for (const { stdout, stderr } of runs) expect(`${stdout}${stderr}`).not.toContain(KEY.slice(0, 14));
    const ssm = new SSMClient({ endpoint: system.ssm.endpoint, ...AWS });
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    expect(Parameter).toMatchObject({ Value: KEY, Type: 'SecureString' });
    ssm.destroy();
  });
});

describe('without --local', () => {
  const environment = () => ({
    STAGE: 'local',
    AWS_DEFAULT_REGION: 'us-east-1',
    SUPABASE_URL: 'https://acme.supabase.co',
    SUPABASE_SERVICE_KEY: 'sb_secret_AbCdEfGhIjKlMnOpQrStUvWxYz',
    AWS_ENDPOINT_URL_SQS: system.sqsEndpoint,
    AWS_ENDPOINT_URL_API_GATEWAY: system.controlEndpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });

  test('finds queues and usage plans by the names of the stack', async () => {
    const keys = await run(['keys', 'list'], { environment: environment() });
    expect(keys.stdout).toContain('queuekeeper-local-first');
    const redrive = await run(['dlq', 'redrive', '--yes'], { environment: environment() });
    expect(redrive.stdout).toBe('No dead letters in queuekeeper-local-dead-letters.\n');
  });

  test('says which queue it looked for and where, when there is none', async () => {
    const blue = { ...environment(), STAGE: 'blue' };
    const { status, stderr } = await run(['dlq', 'redrive', '--yes'], { environment: blue });
    expect(status).toBe(1);
    expect(stderr).toContain('cannot find the queue queuekeeper-blue-dead-letters in us-east-1');
    expect(stderr).toContain('check STAGE');
  });

  test('finds the API by its name, unless it is said where it is', async () => {
    const restore = { ...process.env };
    Object.assign(process.env, environment());
    try {
      const apiUrl = (variables = {}, options = {}) =>
        openContext({ ...environment(), ...variables }, options).apiUrl();
      expect(await apiUrl()).toMatch(/^https:\/\/\w+\.execute-api\.us-east-1\.amazonaws\.com\/prod$/);
      await expect(apiUrl({ STAGE: 'blue' })).rejects.toThrow(
        'there is no REST API named queuekeeper-blue in us-east-1',
      );
      const domain = {
        API_DOMAIN_NAME: 'api.acme.example',
        API_CERTIFICATE_ARN: 'arn:aws:acm:us-east-1:123456789012:certificate/x',
      };
      expect(await apiUrl(domain)).toBe('https://api.acme.example');
      expect(await apiUrl({ API_URL: 'https://said.example/' })).toBe('https://said.example');
      expect(await apiUrl({ API_URL: 'https://said.example' }, { apiUrl: 'https://here.example' })).toBe(
        'https://here.example',
      );
    } finally {
      process.env = restore;
    }
  });
});

describe('migrate', () => {
  test('works on the local database', async () => {
    const { status, stdout } = await run(['migrate', 'status', '--local', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual({ file: '001_jobs.sql', applied: true });
    expect((await run(['migrate', 'up', '--local'])).stdout).toBe('nothing to do\n');
  });
});
