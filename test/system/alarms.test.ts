import { PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type LocalSystem, startSystem } from '../../local/system.ts';

/** Minutes become seconds; the alarms of five minutes speak after five seconds. */
const TIME_SCALE = 60;
const PATIENCE_MS = 60_000;
// A test waits for an alarm and for its end.
jest.setTimeout(3 * PATIENCE_MS);

let system: LocalSystem;

beforeAll(async () => {
  system = await startSystem({ timeScale: TIME_SCALE });
});
afterAll(() => system?.stop());

/** What the channel got, as its titles. */
const titles = () => system.slack.messages.map(({ payload }) => payload.text ?? '');

async function untilTitled(title: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!titles().includes(title)) {
    if (Date.now() > deadline) throw new Error(`Slack never got "${title}", only ${JSON.stringify(titles())}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilAlarming(alarm: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (system.alarms.list().find(({ name }) => name === alarm)?.state !== 'ALARM') {
    if (Date.now() > deadline) throw new Error(`${alarm} never went off`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function post(name: string, body: object) {
  const answer = await fetch(`${system.apiUrl}/alarms/${name}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}

describe('the alarms of the template', () => {
  it('are all listed with their states', async () => {
    const alarms = (await (await fetch(`${system.apiUrl}/alarms`)).json()) as { name: string; type: string }[];
    expect(alarms).toContainEqual(
      expect.objectContaining({ name: 'queuekeeper-local-dead-letters', type: 'MetricAlarm' }),
    );
    expect(alarms).toContainEqual(
      expect.objectContaining({ name: 'queuekeeper-local-database-down', type: 'CompositeAlarm' }),
    );
  });

  it('tell Slack of failing runs that no outage of the database explains, and of their end', async () => {
    system.sqs.setDown(true);
    await untilTitled('🔴 ALARM: queuekeeper-local-alert-dlq-monitor-errors');
    system.sqs.setDown(false);
    await untilTitled('✅ OK again: queuekeeper-local-alert-dlq-monitor-errors');
    expect(titles().filter((title) => title.endsWith('-database-down'))).toEqual([]);
    system.slack.clear();
  });

  it('tell Slack of an outage of the database and of its end, once, and nothing of what follows from it', async () => {
    system.supabase.fault(() => 'down');
    await untilTitled('🔴 ALARM: queuekeeper-local-database-down');
    await untilAlarming('queuekeeper-local-stale-job-monitor-errors');
    system.supabase.fault(undefined);
    await untilTitled('✅ OK again: queuekeeper-local-database-down');
    expect(titles().filter((title) => !title.endsWith('-database-down'))).toEqual([]);
  });

  it("tell Slack of dead letters by the queue's own count, and of an empty queue", async () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
    await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: '{"job_id":"poison"}' }));
    await untilTitled('🔴 ALARM: queuekeeper-local-dead-letters');
    await sqs.send(new PurgeQueueCommand({ QueueUrl: system.dlqUrl }));
    await untilTitled('✅ OK again: queuekeeper-local-dead-letters');
    sqs.destroy();
  });

  it('can be set by hand, and go through the same function to Slack', async () => {
    const name = 'queuekeeper-local-database-down';
    system.slack.clear();
    expect(await post(name, { state: 'ALARM', reason: 'A drill' })).toEqual({
      status: 200,
      json: { name, state: 'ALARM', told: ['queuekeeper-local-alarm-notifier'] },
    });
    await untilTitled(`🔴 ALARM: ${name}`);
    const message = JSON.stringify(system.slack.messages.find(({ payload }) => payload.text?.endsWith(name))?.payload);
    expect(message).toContain('The database does not answer');
    expect(await post(name, { state: 'ALARM' })).toMatchObject({ json: { told: [] } });
    await post(name, { state: 'OK' });
    await untilTitled(`✅ OK again: ${name}`);
  });

  it('refuse an unknown name and an unknown state', async () => {
    expect(await post('nobody', { state: 'OK' })).toMatchObject({ status: 404 });
    expect(await post('queuekeeper-local-dead-letters', { state: 'FINE' })).toMatchObject({ status: 400 });
  });
});
