import { createServer } from 'node:http';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { listen } from '../../local/loopback.ts';
import { type LocalSystem, startSystem } from '../../local/system.ts';

let system: LocalSystem;
let database: pg.Client;

beforeAll(async () => {
  system = await startSystem({ schedules: false });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
}, 120_000);
afterAll(async () => {
  await database?.end();
  await system?.stop();
});

describe('the local system', () => {
  it('brings a job whose worker died back to its queue, by the very bundle that would be deployed', async () => {
    const { rows } = await database.query(`
      insert into public.jobs (customer_id, package_size, priority_level, status, started_at, updated_at, created_at)
      values ('acme', 50, 2, 'in_progress', now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour')
      returning id`);
    const run = await system.invoke('stale-job-monitor');
    expect(run).toMatchObject({ ok: true });
    expect(run.logs.join('\n')).toContain('Found 1 stale jobs');

    const [message] = await receiveAll(system);
    expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({
      job_id: rows[0].id,
      customer_id: 'acme',
      package_size: 50,
      priority: 2,
      requeued_by: 'stale_job_monitor',
    });
    const { rows: after } = await database.query('select status from public.jobs where id = $1', [rows[0].id]);
    expect(after).toEqual([{ status: 'pending' }]);
  });

  it.each([
    ['the secret key', () => system.serviceKey, 200],
    ['the publishable key', () => system.anonKey, 401],
    ['a wrong key', () => 'sb_secret_wrong', 401],
  ])('answers %s over REST as the hosted gateway does', async (_whose, key, status) => {
    const answer = await fetch(`${system.supabaseUrl}/rest/v1/jobs?select=id`, { headers: { apikey: key() } });
    expect(answer.status).toBe(status);
  });

  it('fails the run, visibly, while the database is away, and works again after', async () => {
    system.supabase.fault(() => 'down');
    expect(await system.invoke('stale-job-monitor')).toMatchObject({ ok: false });
    system.supabase.fault(undefined);
    expect(await system.invoke('stale-job-monitor')).toMatchObject({ ok: true });
  });

  it('says in one line that a port is taken, and leaves nothing running', async () => {
    const server = createServer();
    const port = await listen(server, 0);
    await expect(startSystem({ port })).rejects.toThrow(`Port ${port} is taken by another program.`);
    server.close();
  });
});

async function receiveAll({ queueUrl, sqsEndpoint }: LocalSystem) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SQSClient({ endpoint: sqsEndpoint, region: 'us-east-1', credentials });
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }));
  client.destroy();
  return Messages ?? [];
}
