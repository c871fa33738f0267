import { beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { describeAccount, takeAccount } from '../../local/demo/account.ts';
import { freshDatabase } from './harness.ts';

let database: pg.Client;

beforeAll(async () => {
  database = await (await freshDatabase()).connect();
});

async function aJob(status: string, events: string[] = []): Promise<string> {
  const insertJob = "insert into public.jobs (customer_id, status) values ('acme', $1) returning id";
  const { rows } = await database.query<{ id: string }>(insertJob, [status]);
  const id = rows[0]?.id as string;
  for (const event of events) {
    await database.query('insert into public.queue_history (job_id, event) values ($1, $2)', [id, event]);
  }
  return id;
}

describe('the account of the demo', () => {
  it('counts what is lost and what is done twice by evidence, not by hope', async () => {
    await aJob('completed', ['claimed', 'completed']);
    await aJob('completed', ['claimed', 'completed', 'completed']);
    const deliveredTwice = await aJob('completed', ['requeued_stale', 'completion_refused', 'completed']);
    await aJob('failed', ['failed']);
    await aJob('pending');
    await aJob('in_progress', ['claimed']);
    const deaths = [{ jobId: deliveredTwice, at: new Date(Date.now() - 5_000) }];

    const account = await takeAccount(database, deaths, new Map([[deliveredTwice, 2]]));
    const counts = { created: 6, completed: 3, recovered: 1, failed: 1, refused: 1, lost: 2, doneTwice: 2 };
    expect(account).toMatchObject(counts);
    expect(account.recoverySeconds).toHaveLength(1);
    expect(
      describeAccount({ ...account, recoverySeconds: [5.04, 6.2, 5.5] })
        .split('\n')
        .slice(-2),
    ).toEqual(['from death to recovery: median 5.5 s, max 6.2 s', 'lost 2 · done twice 2']);
  });
});
