import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { State } from '../../lambdas/dlq-monitor/state-store.ts';
import type { InvocationResult } from '../../local/function-process.ts';
import { createLocalFunction } from '../../local/local-function.ts';
import type { Refuse } from '../../local/sqs/faults.ts';
import { SUPABASE_PLACEHOLDER } from '../../local/synthesize.ts';
import { type LocalSystem, startSystem } from '../../local/system.ts';

const MONITOR = 'dlq-monitor';
const STATE = '/queuekeeper/local/dlq-alert-state';
const WEBHOOK = '/queuekeeper/local/slack-webhook-url';
const DAY_MS = 86_400_000;

let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
let ssm: SSMClient;
/** What was asked of the dead-letter queue. */
const actions: string[] = [];

beforeAll(async () => {
  system = await startSystem({ schedules: false });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  const aws = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  sqs = new SQSClient({ endpoint: system.sqsEndpoint, ...aws });
  ssm = new SSMClient({ endpoint: system.ssm.endpoint, ...aws });
}, 120_000);
afterAll(async () => {
  sqs?.destroy();
  ssm?.destroy();
  await database?.end();
  await system?.stop();
});

beforeEach(async () => {
  await drain(system.dlqUrl);
  await drain(system.queueUrl);
  await database.query('delete from public.dead_letters');
  await database.query('delete from public.monitor_runs');
  for (const name of [STATE, `${STATE}-lock`]) system.ssm.delete(name);
  system.ssm.set(WEBHOOK, webhookUrl('local'));
  system.slack.clear();
  faultOf();
  actions.length = 0;
});
afterEach(async () => {
  system.sqs.setDown(false);
  system.sqs.refuse(undefined);
  system.ssm.setDown(false);
  system.supabase.fault(undefined);
  await fresh();
});

const run = (options?: { concurrent: boolean }) => system.invoke(MONITOR, {}, options);
const webhookUrl = (name: string) => `${system.apiUrl}/slack/services/T0/B0/${name}`;
/** The next run starts in a new process that remembers nothing. */
const fresh = async () => system.functions[MONITOR]?.kill();

/** Counts what is asked of the dead-letter queue, and lets some of it fail. */
function faultOf(refuse?: Refuse): void {
  system.sqs.refuse((action, body) => {
    if (body['QueueUrl'] === system.dlqUrl) actions.push(action);
    return refuse?.(action, body);
  });
}
const receives = () => actions.filter((action) => action === 'ReceiveMessage').length;

async function send(...bodies: string[]): Promise<void> {
  for (let index = 0; index < bodies.length; index += 10) {
    const Entries = bodies.slice(index, index + 10).map((MessageBody, id) => ({ Id: String(id), MessageBody }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: system.dlqUrl, Entries }));
  }
}
const sendMany = (count: number) => send(...Array.from({ length: count }, (_, index) => `{"n":${index}}`));

async function receive(QueueUrl: string, VisibilityTimeout = 0): Promise<Message[]> {
  const request = { QueueUrl, VisibilityTimeout, MaxNumberOfMessages: 10 };
  const names = { MessageSystemAttributeNames: ['All' as const], MessageAttributeNames: ['All'] };
  return (await sqs.send(new ReceiveMessageCommand({ ...request, ...names }))).Messages ?? [];
}

/** Takes all messages out for good, as a person does. */
async function drain(QueueUrl: string): Promise<void> {
  for (let messages = await receive(QueueUrl, 30); messages.length > 0; messages = await receive(QueueUrl, 30)) {
    const Entries = messages.map(({ ReceiptHandle = '' }, id) => ({ Id: String(id), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function counts(QueueUrl = system.dlqUrl) {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes ?? {};
  return { visible: Number(ApproximateNumberOfMessages), inFlight: Number(ApproximateNumberOfMessagesNotVisible) };
}

async function redrive(): Promise<void> {
  const dlqArn = `arn:aws:sqs:us-east-1:000000000000:${system.dlqUrl.split('/').at(-1)}`;
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dlqArn }));
}

const letters = async () => (await database.query('select * from public.dead_letters order by sent_at')).rows;
const recordedRuns = async () =>
  (await database.query('select monitor, succeeded, summary from public.monitor_runs order by finished_at')).rows;
const texts = () => system.slack.messages.map(({ payload }) => (payload as { text: string }).text);
const lastMessage = () => JSON.stringify(system.slack.messages.at(-1)?.payload);

async function stateNow(): Promise<State> {
  return JSON.parse((await ssm.send(new GetParameterCommand({ Name: STATE }))).Parameter?.Value ?? 'null');
}
const put = (Name: string, Value: string) =>
  ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }));

/** The sum of a metric in a run's log; undefined when it was not written. */
function metric({ logs }: InvocationResult, name: string): number | undefined {
  const written = logs.filter((line) => line.includes('"_aws"')).map((line) => JSON.parse(line)[name]);
  return written.find((value) => value !== undefined);
}

/** A run that failed says so: it throws, and there is no heartbeat. The webhook is in none of its words. */
function expectFailed(result: InvocationResult, words: string): void {
  expect(result).toMatchObject({ ok: false, errorMessage: expect.stringContaining(words) });
  expect(metric(result, 'Heartbeat')).toBeUndefined();
  expect(JSON.stringify(result)).not.toContain('/slack/services/');
}
function expectWell(result: InvocationResult): void {
  expect(result).toMatchObject({ ok: true });
  expect(metric(result, 'Heartbeat')).toBe(1);
}

const ALERT = (count: number) => expect.stringContaining(`🚨 Dead Letter Queue Alert - ${count} failed job(s)`);

describe('dead letters', () => {
  test('are told within one run, with the log texts and metrics that the guide promises', async () => {
    const quiet = await run();
    expectWell(quiet);
    expect(metric(quiet, 'DeadLetterDepth')).toBe(0);
    await send('{}');
    const alerted = await run();
    expectWell(alerted);
    expect(texts()).toEqual([ALERT(1)]);
    for (const text of [
      'Starting check iteration',
      'DLQ threshold exceeded: 1 messages',
      'Slack alert sent successfully',
    ]) {
      expect(alerted.logs.join('\n')).toContain(text);
    }
    expect(metric(alerted, 'DeadLetterDepth')).toBe(1);
    expect(metric(alerted, 'NewDeadLetters')).toBe(1);
    expect(metric(alerted, 'AlertsSent')).toBe(1);
    expect(metric(alerted, 'AlertsFailed')).toBe(0);
    const left = metric(alerted, 'OldestDeadLetterExpirySeconds') ?? 0;
    expect(left).toBeLessThanOrEqual(14 * 86_400);
    expect(left).toBeGreaterThan(14 * 86_400 - 60);
  });

  test('of a real job: it dies after its last receive, its job fails, a redrive lets a worker complete it', async () => {
    const { rows } = await database.query(
      `insert into public.jobs (customer_id, package_size, status, job_type) values ('acme', 50, 'pending', 'submit')
       returning id`,
    );
    const jobId: string = rows[0].id;
    const body = JSON.stringify({ job_id: jobId, customer_id: 'acme', password: 'hunter2', error_message: 'no form' });
    await sqs.send(new SendMessageCommand({ QueueUrl: system.queueUrl, MessageBody: body }));
    for (let attempt = 0; attempt < 5; attempt += 1) expect(await receive(system.queueUrl)).toHaveLength(1);
    expect(await receive(system.queueUrl)).toEqual([]);

    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
    for (const text of [jobId, 'acme', '5 attempts', 'no form', 'start-message-move-task']) {
      expect(lastMessage()).toContain(text);
    }
    expect(lastMessage()).not.toContain('hunter2');
    expect(await letters()).toMatchObject([{ job_id: jobId, body, job_type: 'submit', receive_count: 5 }]);
    const job = await database.query('select status from public.jobs where id = $1', [jobId]);
    expect(job.rows).toEqual([{ status: 'failed' }]);
    expect(await system.invoke('stale-job-monitor')).toMatchObject({ ok: true });
    expect((await counts(system.queueUrl)).visible).toBe(0);

    await redrive();
    const [redriven] = await receive(system.queueUrl);
    const claim = await database.query(`select public.claim_job($1, 'worker-1', 0) as claim`, [
      JSON.parse(redriven?.Body ?? '{}').job_id,
    ]);
    expect(claim.rows[0].claim).toMatchObject({ claimed: true });
    const { lease } = claim.rows[0].claim;
    const ended = await database.query('select public.complete_job($1, $2) as answer', [jobId, lease]);
    expect(ended.rows).toEqual([{ answer: 'completed' }]);
  });

  test('that nobody touches are there after 50 runs, unchanged and visible, looked at once, and told of once', async () => {
    const MessageAttributes = { priority: { DataType: 'Number', StringValue: '3' } };
    const { MessageId } = await sqs.send(
      new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: 'precious', MessageAttributes }),
    );
    actions.length = 0;
    for (let count = 0; count < 50; count += 1) expectWell(await run());
    expect(receives()).toBe(1);
    expect(new Set(actions)).toEqual(new Set(['GetQueueAttributes', 'ReceiveMessage', 'ChangeMessageVisibilityBatch']));
    expect(texts()).toHaveLength(1);
    expect(await counts()).toEqual({ visible: 1, inFlight: 0 });
    const [message] = await receive(system.dlqUrl);
    expect(message).toMatchObject({
      MessageId,
      Body: 'precious',
      MessageAttributes,
      Attributes: { ApproximateReceiveCount: '2' },
    });
  });

  test('that are more: each message is read once per change, and the new ones are counted', async () => {
    await sendMany(1);
    await run();
    await sendMany(12);
    expect(metric(await run(), 'NewDeadLetters')).toBe(12);
    await run();
    expect(receives()).toBe(1 + 2);
    expect(texts()).toEqual([ALERT(1), expect.stringContaining('13 failed job(s): ')]);
    expect(texts()[1]).toContain('12 new');
  });

  test('are told again after 4 hours, not a second before', async () => {
    await send('{}');
    await run();
    const alertedHoursAgo = async (ms: number) => {
      const { incident, ...state } = await stateNow();
      if (!incident) throw new Error('there is no incident');
      const alertedAt = new Date(Date.now() - ms).toISOString();
      await put(STATE, JSON.stringify({ ...state, incident: { ...incident, alertedAt } }));
      await fresh();
    };
    await alertedHoursAgo(DAY_MS / 6 - 60_000);
    await run();
    expect(texts()).toHaveLength(1);
    await alertedHoursAgo(DAY_MS / 6);
    await run();
    expect(texts()).toHaveLength(2);
    expect(lastMessage()).toContain('Reminder');
    await run();
    expect(texts()).toHaveLength(2);
  });

  test('that come and go between two runs are no alert, and a count that flaps gives one alert and one all clear', async () => {
    await run();
    await send('{}');
    await drain(system.dlqUrl);
    await run();
    expect(texts()).toEqual([]);
    await send('{}');
    await run();
    await drain(system.dlqUrl);
    for (let count = 0; count < 4; count += 1) expectWell(await run());
    expect(texts()).toEqual([ALERT(1), expect.stringContaining('✅ Dead Letter Queue clear')]);
  });

  test('in the hands of a person are neither gone nor news', async () => {
    await send('{}');
    await run();
    const [held] = await receive(system.dlqUrl, 600);
    for (let count = 0; count < 3; count += 1) expectWell(await run());
    expect(texts()).toHaveLength(1);
    await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: system.dlqUrl,
        Entries: [{ Id: '0', ReceiptHandle: held?.ReceiptHandle }],
      }),
    );
    await run();
    await run();
    expect(texts()).toHaveLength(2);
  });

  test('that failed again after a redrive are news, though they are as many as before', async () => {
    await sendMany(2);
    await run();
    await redrive();
    await drain(system.queueUrl);
    await sendMany(2);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(2), expect.stringContaining('2 new')]);
    expect((await letters()).filter(({ cleared_how }) => cleared_how === 'redriven')).toHaveLength(2);
  });

  test('3,000 of them are counted right, read in bounded work, recorded, and given back', async () => {
    await sendMany(3_000);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(3_000)]);
    expect((await database.query('select count(*)::int from public.dead_letters')).rows).toEqual([{ count: 3_000 }]);
    expect(receives()).toBeLessThanOrEqual(303);
    expect(await counts()).toEqual({ visible: 3_000, inFlight: 0 });
    actions.length = 0;
    expectWell(await run());
    expect(receives()).toBe(0);
    expect(texts()).toHaveLength(1);
    // More than the REST interface gives in rows.
    await drain(system.dlqUrl);
    expectWell(await run());
    expectWell(await run());
    expect(lastMessage()).toContain('*3000* deleted by someone');
  }, 180_000);

  test('with hostile bodies are all recorded as they are, and ping nobody', async () => {
    const bodies = [
      'not JSON {',
      'null',
      '[]',
      '42',
      '{"job_id":7,"customer_id":4711}',
      '{"job_id":"<!channel>","customer_id":"<https://evil.example|click>","error":"<!here> & <@U1> token=abc123"}',
      `{"job_id":"${'0'.repeat(8)}-0000-0000-0000-000000000000","error":"\\u0000\\ud800"}`,
      JSON.stringify({ padding: 'x'.repeat(1_048_576 - 14) }),
    ];
    for (const body of bodies) {
      await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: body }));
    }
    expectWell(await run());
    expect(texts()).toEqual([ALERT(bodies.length)]);
    expect((await letters()).map(({ body }) => body).sort()).toEqual(bodies.toSorted());
    for (const ping of ['<!channel', '<!here', '<@', '<https://evil', 'abc123'])
      expect(lastMessage()).not.toContain(ping);
  });
});

describe('a run', () => {
  const one = { monitor: 'dlq-monitor', succeeded: true };

  test('is recorded with how many dead letters it counted', async () => {
    expectWell(await run());
    await sendMany(3);
    expectWell(await run());
    expect(await recordedRuns()).toMatchObject([
      { ...one, summary: { depth: 0, problems: [] } },
      { ...one, summary: { depth: 3, newCount: 3, said: 'first', problems: [] } },
    ]);
  });

  test('is recorded as failed when Slack does not take the alert, and when SQS is down', async () => {
    await send('{}');
    system.slack.answerNext({ status: 404 });
    expectFailed(await run(), 'no_service');
    system.sqs.setDown(true);
    expectFailed(await run(), '');
    expect(await recordedRuns()).toMatchObject([
      { succeeded: false, summary: { depth: 1, problems: [expect.stringContaining('alert Slack')] } },
      { succeeded: false, summary: { problems: [expect.any(String)] } },
    ]);
    expect((await recordedRuns())[1]?.summary).not.toHaveProperty('depth');
  });
});

describe('a FIFO dead-letter queue', () => {
  async function startOn(name: string) {
    const { url } = await system.sqs.createQueue(name, { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
    const plan = system.plan.functions.find((one) => one.name.endsWith(MONITOR));
    if (!plan) throw new Error('the template has no dlq-monitor');
    const environment = {
      ...plan.environment,
      SUPABASE_URL: plan.environment['SUPABASE_URL']?.replace(SUPABASE_PLACEHOLDER, system.apiUrl) ?? '',
      SQS_DLQ_URL: url,
      ALERT_STATE_NAME: `/state-of-${name}`,
    };
    const endpoints = { AWS_ENDPOINT_URL_SQS: system.sqs.endpoint, AWS_ENDPOINT_URL_SSM: system.ssm.endpoint };
    const monitor = createLocalFunction({ plan: { ...plan, environment }, endpoints, onLine: () => {} }, system.reaper);
    const sendTo = (MessageGroupId: string, MessageBody: string) =>
      sqs.send(new SendMessageCommand({ QueueUrl: url, MessageGroupId, MessageBody }));
    return { url, monitor, sendTo };
  }

  test('is read without a change of order, and told of once', async () => {
    const { url, monitor, sendTo } = await startOn('dead.fifo');
    for (const group of ['g1', 'g2', 'g3']) await sendTo(group, `${group}-first`);
    for (let count = 0; count < 3; count += 1) expectWell(await monitor.invoke());
    await sendTo('g1', 'g1-second');
    expectWell(await monitor.invoke());
    await monitor.kill();
    expect(texts()).toEqual([ALERT(3), ALERT(4)]);
    expect((await letters()).map(({ body }) => body)).toEqual(
      expect.arrayContaining(['g1-first', 'g2-first', 'g3-first']),
    );
    expect(await counts(url)).toEqual({ visible: 4, inFlight: 0 });
    const [first] = (await receive(url)).filter(({ Body }) => Body?.startsWith('g1'));
    expect(first?.Body).toBe('g1-first');
  });

  test('with a group that is longer than SQS shows to anyone is counted right, and not read on and on', async () => {
    const { url, monitor, sendTo } = await startOn('long-group.fifo');
    let fifoReceives = 0;
    system.sqs.refuse((action, body) => {
      if (action === 'ReceiveMessage' && body['QueueUrl'] === url) fifoReceives += 1;
      return undefined;
    });
    for (let index = 0; index < 12; index += 1) await sendTo('g1', `m-${index}`);
    expectWell(await monitor.invoke());
    expect(texts()).toEqual([ALERT(12)]);
    const once = fifoReceives;
    expectWell(await monitor.invoke());
    await monitor.kill();
    expect(fifoReceives).toBe(once);
    expect(texts()).toHaveLength(1);
  });
});

describe('the all clear', () => {
  async function incident(count: number): Promise<void> {
    await sendMany(count);
    await run();
    system.slack.clear();
  }
  async function twoEmptyRuns(): Promise<void> {
    expectWell(await run());
    expect(texts()).toEqual([]);
    expectWell(await run());
    expect(texts()).toHaveLength(1);
  }

  test('says that all were redriven', async () => {
    await incident(2);
    await redrive();
    await twoEmptyRuns();
    expect(lastMessage()).toContain('✅ Dead Letter Queue clear - 2 failed job(s) dealt with');
    expect(lastMessage()).toContain('*2* redriven');
    expect(await letters()).toMatchObject([{ cleared_how: 'redriven' }, { cleared_how: 'redriven' }]);
  });

  test('says that they were deleted', async () => {
    await incident(1);
    await drain(system.dlqUrl);
    await twoEmptyRuns();
    expect(lastMessage()).toContain('*1* deleted by someone');
  });

  test('says that they expired, that this is data loss, and which they were', async () => {
    await incident(2);
    const [first] = await letters();
    await database.query(
      `update public.dead_letters set expires_at = now() - interval '1 minute' where message_id = $1`,
      [first.message_id],
    );
    await drain(system.dlqUrl);
    await twoEmptyRuns();
    expect(texts()).toEqual([expect.stringContaining('⚠️ Dead Letter Queue empty - 1 of 2 failed job(s) LOST')]);
    for (const text of ['data loss', first.message_id, '*1* expired', '*1* deleted', 'dead_letters']) {
      expect(lastMessage()).toContain(text);
    }
    expect(first.body).toMatch(/^\{"n":\d\}$/);
  });

  test('says that it does not know while the database is down', async () => {
    await incident(1);
    await drain(system.dlqUrl);
    system.supabase.fault(() => 'down');
    await run();
    expectFailed(await run(), 'dead_letters');
    expect(texts()).toEqual([expect.stringContaining('✅ Dead Letter Queue clear - 1 failed job(s)')]);
    expect(lastMessage()).toContain('*1* gone in a way that is not known');
    system.supabase.fault(undefined);
    expectWell(await run());
    expect((await letters()).map(({ cleared_how }) => cleared_how)).toEqual(['unknown']);
  });

  test('that Slack did not take is said by the next run', async () => {
    await incident(1);
    await drain(system.dlqUrl);
    await run();
    system.slack.answerNext({ status: 404 });
    expectFailed(await run(), 'no_service');
    expectWell(await run());
    expect(texts()).toHaveLength(1);
    expectWell(await run());
    expect(texts()).toHaveLength(1);
  });
});

describe('when Slack', () => {
  beforeEach(() => send('{}'));

  test('answers 429 with Retry-After: 2, the alert waits so long and goes out in the same run', async () => {
    system.slack.answerNext({ status: 429, retryAfter: 2 });
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
    const [refused, taken] = system.slack.attempts.map(({ at }) => at.getTime());
    expect((taken ?? 0) - (refused ?? 0)).toBeGreaterThanOrEqual(1_990);
  });

  test('asks for more patience than the run has, the run fails and the next one says it', async () => {
    system.slack.answerNext({ status: 429, retryAfter: 600 });
    expectFailed(await run(), 'rate limiting');
    expect(system.slack.attempts).toHaveLength(1);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });

  test('answers 500 once, the alert goes out in the same run', async () => {
    system.slack.answerNext({ status: 500 });
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });

  test.each([
    ['answers 500 three times', { status: 500, times: 3 }, 3, 'HTTP 500'],
    ['answers 404 no_service', { status: 404 }, 1, 'no_service'],
    ['answers 410 channel_is_archived', { status: 410 }, 1, 'channel_is_archived'],
    ['answers 200 and not ok', { status: 200, body: '<html>' }, 1, 'Slack'],
    ['closes the connection three times', { behaviour: 'close', times: 3 } as const, 3, 'Slack did not take'],
    ['hangs three times', { behaviour: 'hang', times: 3 } as const, 3, 'no answer within 5000 ms'],
  ])('%s, the run fails and the next one says it, once', async (_what, answer, tries, words) => {
    system.slack.answerNext(answer);
    const failed = await run();
    expectFailed(failed, words);
    expect(metric(failed, 'AlertsFailed')).toBe(1);
    expect(system.slack.attempts).toHaveLength(tries);
    expect((await stateNow()).incident).toBeUndefined();
    expectWell(await run());
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });

  test('has a new webhook, a warm process finds it when the old one is refused', async () => {
    expectWell(await run());
    system.ssm.set(WEBHOOK, webhookUrl('rotated'));
    system.slack.answerNext({ status: 404 });
    await send('{}');
    expectWell(await run());
    expect(system.slack.attempts.map(({ path, status }) => [path.split('/').at(-1), status])).toEqual([
      ['local', 200],
      ['local', 404],
      ['rotated', 200],
    ]);
  });

  test('has no webhook, each run that would speak says so and fails, until there is one', async () => {
    system.ssm.delete(WEBHOOK);
    for (let count = 0; count < 2; count += 1) {
      const failed = await run();
      expectFailed(failed, 'SLACK_WEBHOOK_URL not configured');
      expect(failed.logs.join('\n')).toContain('"message":"SLACK_WEBHOOK_URL not configured"');
      expect(metric(failed, 'AlertsFailed')).toBe(1);
      expect((await stateNow()).incident).toBeUndefined();
    }
    expect(await letters()).toHaveLength(1);
    system.ssm.set(WEBHOOK, webhookUrl('local'));
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });
});

test('without a webhook a run that has nothing to say is well', async () => {
  system.ssm.delete(WEBHOOK);
  expectWell(await run());
});

describe('when the database', () => {
  test.each(['down', 'hang-in-body'] as const)(
    'is away (%s) for the whole incident, the alert goes out once, and the letter is recorded when it is back',
    async (fault) => {
      await send('{}');
      system.supabase.fault(() => fault);
      expectFailed(await run(), 'read dead_letters');
      expect(lastMessage()).toContain('The database did not answer');
      expectFailed(await run(), 'read dead_letters');
      expect(texts()).toEqual([ALERT(1)]);
      expect(receives()).toBe(1);
      system.supabase.fault(undefined);
      expectWell(await run());
      expectWell(await run());
      expect(await letters()).toHaveLength(1);
      expect(texts()).toHaveLength(1);
      expect(receives()).toBe(2);
      expect(await recordedRuns()).toMatchObject([{ succeeded: true }, { succeeded: true }]);
    },
  );

  test('takes everything but the record of the run, the alert goes out once and the run fails', async () => {
    await send('{}');
    system.supabase.fault((_method, path) => (path.includes('record_monitor_run') ? 'hang' : undefined));
    expectFailed(await run(), 'record the run');
    expectFailed(await run(), 'record the run');
    expect(texts()).toEqual([ALERT(1)]);
    expect(await letters()).toHaveLength(1);
  });

  test('goes away in the middle of recording, the alert goes out, and the rest is recorded by the next run', async () => {
    await sendMany(25);
    let calls = 0;
    system.supabase.fault((_method, path) => {
      calls += path.includes('record_dead_letters') ? 1 : 0;
      return calls > 1 ? 'down' : undefined;
    });
    expectFailed(await run(), 'record dead letters');
    expect(texts()).toEqual([ALERT(25)]);
    expect(await letters()).toHaveLength(10);
    system.supabase.fault(undefined);
    expectWell(await run());
    expect(await letters()).toHaveLength(25);
    expect(texts()).toHaveLength(1);
  });

  test('refuses the key, the alert goes out and the run fails', async () => {
    await send('{}');
    const key = '/queuekeeper/local/supabase-service-key';
    system.ssm.set(key, 'sb_secret_wrong');
    const failed = await run();
    system.ssm.set(key, system.serviceKey);
    expectFailed(failed, 'HTTP 401');
    expect(JSON.stringify(failed)).not.toContain('sb_secret_wrong');
    expect(texts()).toEqual([ALERT(1)]);
  });
});

describe('when SSM', () => {
  test('is down, a warm process tells what is new, once, and its runs fail until SSM is back', async () => {
    await send('{}');
    expectWell(await run());
    system.ssm.setDown(true);
    await send('{}');
    expectFailed(await run(), 'alert state');
    expectFailed(await run(), 'alert state');
    expect(texts()).toEqual([ALERT(1), ALERT(2)]);
    system.ssm.setDown(false);
    expectWell(await run());
    await fresh();
    expectWell(await run());
    expect(texts()).toHaveLength(2);
  });

  test('is down, a process that knows no webhook fails visibly', async () => {
    await send('{}');
    system.ssm.setDown(true);
    expectFailed(await run(), 'alert Slack: cannot read the secret');
    system.ssm.setDown(false);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });

  test('holds a state that nobody can read, the alert says that it may repeat one, and the state is mended', async () => {
    await send('{}');
    await put(STATE, 'garbage');
    expectFailed(await run(), 'read the alert state');
    expect(texts()).toEqual([ALERT(1)]);
    expect(lastMessage()).toContain('this alert may repeat one');
    expectWell(await run());
    expect(texts()).toHaveLength(1);
  });
});

describe('when SQS', () => {
  test('is down, the run fails visibly and the next one says it', async () => {
    await send('{}');
    system.sqs.setDown(true);
    expectFailed(await run(), '');
    system.sqs.setDown(false);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });

  test('breaks off in the middle of the reading, the alert goes out, and no message stays hidden', async () => {
    await sendMany(15);
    let calls = 0;
    faultOf((action) => {
      calls += action === 'ReceiveMessage' ? 1 : 0;
      const isBroken = action === 'ReceiveMessage' && calls > 1;
      return isBroken
        ? { status: 500, type: 'InternalError', message: 'We encountered an internal error.' }
        : undefined;
    });
    expectFailed(await run(), 'read the dead-letter queue');
    expect(texts()).toEqual([ALERT(15)]);
    expect(await counts()).toEqual({ visible: 15, inFlight: 0 });
    faultOf();
    expectWell(await run());
    expect(await letters()).toHaveLength(15);
    expect(texts()).toHaveLength(1);
  });

  test('lets nobody read, the alert goes out and says that the messages are not known', async () => {
    await send('{}');
    faultOf((action) =>
      action === 'ReceiveMessage' ? { status: 403, type: 'AccessDenied', message: 'Access is denied.' } : undefined,
    );
    expectFailed(await run(), 'Access is denied');
    expect(texts()).toEqual([ALERT(1)]);
    expect(lastMessage()).toContain('The messages could not be read');
  });

  test('does not take messages back, they are seen and recorded, and the run fails', async () => {
    await send('{}');
    const handles = new Set<string>();
    faultOf((action, { Entries }) => {
      if (action !== 'ChangeMessageVisibilityBatch') return undefined;
      for (const { ReceiptHandle } of Entries as unknown as { ReceiptHandle: string }[]) handles.add(ReceiptHandle);
      return { status: 500, type: 'InternalError', message: 'We encountered an internal error.' };
    });
    expectFailed(await run(), 'read the dead-letter queue');
    expect(texts()).toEqual([ALERT(1)]);
    expect(await letters()).toHaveLength(1);
    faultOf();
    for (const ReceiptHandle of handles) {
      const request = { QueueUrl: system.dlqUrl, ReceiptHandle, VisibilityTimeout: 0 };
      await sqs.send(new ChangeMessageVisibilityCommand(request));
    }
    expectWell(await run());
    expect(texts()).toHaveLength(1);
  });

  test('does not list redrives, the all clear says that it does not know', async () => {
    await send('{}');
    await run();
    await drain(system.dlqUrl);
    faultOf((action) =>
      action === 'ListMessageMoveTasks' ? { status: 403, type: 'AccessDenied', message: 'no' } : undefined,
    );
    expectFailed(await run(), 'list the redrives');
    expectFailed(await run(), 'list the redrives');
    expect(lastMessage()).toContain('*1* gone in a way that is not known');
  });
});

describe('two runs at once', () => {
  test('send one alert', async () => {
    await send('{}');
    const both = await Promise.all([run(), run({ concurrent: true })]);
    for (const result of both) expect(result.ok).toBe(true);
    expect(texts()).toEqual([ALERT(1)]);
    await run();
    expect(texts()).toHaveLength(1);
  });

  test('of which one is killed while it speaks: the other leaves it alone, and the next one speaks', async () => {
    await send('{}');
    // However often it tries before the other has looked.
    system.slack.answerNext({ behaviour: 'hang', times: 3 });
    const killed = run();
    for (let count = 0; count < 1_500 && system.slack.attempts.length === 0; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(system.slack.attempts).not.toEqual([]);
    expect(await run({ concurrent: true })).toMatchObject({ ok: true, value: { isSkipped: true } });
    await fresh();
    expect(await killed).toMatchObject({ ok: false });
    expect(texts()).toEqual([]);
    system.slack.clear();
    // By the time of the next run Lambda has ended this one for certain.
    await put(`${STATE}-lock`, `${new Date(Date.now() - 1_000).toISOString()} of-the-killed-run`);
    expectWell(await run());
    expect(texts()).toEqual([ALERT(1)]);
  });
});

describe('the alarm-notifier', () => {
  const alarm = (state: string, before: string) => ({
    AlarmName: 'queuekeeper-local-dead-letters',
    AlarmDescription: 'Messages failed every attempt.\nRunbook: https://example.com/runbook.md#dead-letters',
    AWSAccountId: '000000000000',
    NewStateValue: state,
    OldStateValue: before,
    NewStateReason: 'Threshold Crossed: 1 datapoint [3.0 (24/11/26 15:00:00)] was greater than the threshold (0.0).',
    StateChangeTime: '2026-11-24T15:01:00.000+0000',
    Region: 'US East (N. Virginia)',
    AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:queuekeeper-local-dead-letters',
    Trigger: {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
    },
  });
  const notify = (...messages: string[]) =>
    system.invoke('alarm-notifier', {
      Records: messages.map((Message) => ({ EventSource: 'aws:sns', Sns: { Subject: 'an alarm', Message } })),
    });

  test.each([
    ['ALARM', 'OK', '🔴 ALARM: queuekeeper-local-dead-letters', 'Messages failed every attempt.'],
    ['OK', 'ALARM', '✅ OK again: queuekeeper-local-dead-letters', 'This is over'],
    ['INSUFFICIENT_DATA', 'OK', '⚪ No data: queuekeeper-local-dead-letters', 'for want of data'],
  ])('tells Slack of %s, with its meaning, its runbook and its console page', async (state, before, title, words) => {
    const result = await notify(JSON.stringify(alarm(state, before)));
    expect(result).toMatchObject({ ok: true });
    expect(metric(result, 'AlertsSent')).toBe(1);
    expect(texts()).toEqual([title]);
    for (const text of [words, 'https://example.com/runbook.md#dead-letters', '#alarmsV2:alarm/']) {
      expect(lastMessage()).toContain(text);
    }
  });

  test.each([
    ['text', 'not JSON'],
    ['an empty object', '{}'],
    ['null', 'null'],
    ['nothing', ''],
    ['a ping and a secret', '<!channel> token=abc123'],
    ['200,000 characters', 'x'.repeat(200_000)],
  ])('passes on what is no alarm: %s', async (_what, message) => {
    expect(await notify(message)).toMatchObject({ ok: true });
    expect(system.slack.messages).toHaveLength(1);
    for (const leak of ['<!channel>', 'abc123']) expect(lastMessage()).not.toContain(leak);
  });

  test('fails when Slack refuses one, so that it is tried again, and delivers the others', async () => {
    system.slack.answerNext({ status: 404 });
    const result = await notify(JSON.stringify(alarm('ALARM', 'OK')), JSON.stringify(alarm('OK', 'ALARM')));
    expect(result).toMatchObject({ ok: false, errorMessage: expect.stringContaining('no_service') });
    expect(metric(result, 'AlertsFailed')).toBe(1);
    expect(texts()).toEqual([expect.stringContaining('OK again')]);
  });

  test('fails when the event has no records', async () => {
    expect(await system.invoke('alarm-notifier', {})).toMatchObject({ ok: false });
  });
});
