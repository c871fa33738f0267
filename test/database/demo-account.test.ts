import { beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { type Account, describeAccount, takeAccount, whatIsMissing } from '../../local/demo/account.ts';
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

const ANSWERS = new Map([
  [200, 100],
  [429, 5],
]);

const AS_TOLD: Account = {
  created: 3,
  completed: 3,
  recovered: 1,
  failed: 0,
  refused: 1,
  deadLetters: 1,
  redriven: 1,
  alerts: 2,
  alertSeconds: 3,
  isAllClear: true,
  answers: ANSWERS,
  lost: 0,
  doneTwice: 0,
  recoverySeconds: [5],
};

describe('what is missing from an account', () => {
  it('is nothing when all of it happened', () => {
    expect(whatIsMissing(AS_TOLD)).toEqual([]);
  });

  it.each<[string, Partial<Account>]>([
    ['nothing lost', { lost: 1 }],
    ['nothing done twice', { doneTwice: 1 }],
    ['every job completed', { completed: 2 }],
    ['a killed worker whose job was recovered', { recoverySeconds: [] }],
    ['a late completion that was refused', { refused: 0 }],
    ['one dead letter', { deadLetters: 2 }],
    ['its redrive', { redriven: 0 }],
    ['its alert', { alertSeconds: undefined }],
    ['the all clear', { isAllClear: false }],
    ['100 answers to 105 requests', { answers: new Map([[200, 105]]) }],
  ])('names %s', (what, change) => {
    expect(whatIsMissing({ ...AS_TOLD, ...change })).toEqual([what]);
  });
});

describe('the account of the demo', () => {
  it('counts what is lost and what is done twice by evidence, not by hope', async () => {
    await aJob('completed', ['claimed', 'completed']);
    await aJob('completed', ['claimed', 'completed', 'completed']);
    const deliveredTwice = await aJob('completed', ['requeued_stale', 'completion_refused', 'completed']);
    await aJob('failed', ['failed']);
    await aJob('pending');
    await aJob('in_progress', ['claimed']);
    const deaths = [{ jobId: deliveredTwice, at: new Date(Date.now() - 5_000) }];

    const deliveries = new Map([[deliveredTwice, 2]]);
    const account = await takeAccount(database, {
      deaths,
      deliveries,
      alerts: 3,
      alertSeconds: 2.26,
      isAllClear: true,
      answers: ANSWERS,
    });
    const counts = { created: 6, completed: 3, recovered: 1, failed: 1, refused: 1, lost: 2, doneTwice: 2 };
    expect(account).toMatchObject(counts);
    expect(account.recoverySeconds).toHaveLength(1);
    expect(
      describeAccount({ ...account, recoverySeconds: [5.04, 6.2, 5.5] }, { here: 5, deployed: 300 })
        .split('\n')
        .slice(-4),
    ).toEqual([
      'from death to recovery: median 5.5 s, max 6.2 s',
      'from dead letter to alert: 2.3 s (the monitor looks every 5 s here; deployed every 5 minutes, so at most that long)',
      'answers to 105 requests in a row: 100 × 200, 5 × 429',
      'lost 2 · done twice 2',
    ]);
  });
});
