import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { answerQueueStatus } from '../../lambdas/queue-status/answer.ts';
import { writeCursor } from '../../lambdas/queue-status/cursor.ts';
import type { CustomerQueue, QueueStatus } from '../../lambdas/queue-status/describe.ts';
import type { Database } from '../../lambdas/shared/database.ts';

const ID = 'aaaaaaaa-0000-4000-8000-000000000001';
const PLACE = { created_at: '2026-11-24T18:00:48.123456+00:00', id: ID };
const COUNTS = { pending: 0, in_progress: 0, completed: 0, failed: 1 };

const aJob = (different: Partial<CustomerQueue['jobs'][number]> = {}): CustomerQueue['jobs'][number] => ({
  id: ID,
  status: 'failed',
  progress: null,
  position: null,
  attempts: 1,
  priority: 3,
  package_size: 50,
  created_at: PLACE.created_at,
  started_at: null,
  updated_at: PLACE.created_at,
  completed_at: null,
  error: null,
  events: [],
  ...different,
});
const aQueue = (different: Partial<CustomerQueue> = {}): CustomerQueue => ({
  found: true,
  counts: COUNTS,
  jobs: [aJob()],
  next: null,
  ...different,
});

/** Asks with a database that answers that, and tells what it was asked. */
async function ask(queue: CustomerQueue, query: Record<string, string> | null = null, customerId = 'acme') {
  const calls: unknown[] = [];
  const database: Database = {
    async call<T>(name: string, args?: Record<string, unknown>) {
      calls.push([name, args]);
      return queue as T;
    },
  };
  const event = { pathParameters: { customerId }, queryStringParameters: query } as unknown as APIGatewayProxyEvent;
  const answer = await answerQueueStatus({ event, database });
  return { calls, status: answer.status, body: answer.body as QueueStatus };
}

describe('a request', () => {
  test('costs one call of the database', async () => {
    const { calls, status, body } = await ask(aQueue());
    expect(calls).toEqual([['customer_queue', { customer_id: 'acme', page_size: 20 }]]);
    expect(status).toBe(200);
    expect(body).toEqual({ customer_id: 'acme', counts: COUNTS, jobs: [aJob()], next_cursor: null });
  });

  test('for a page further on begins behind the place in its cursor', async () => {
    const { calls } = await ask(aQueue(), { limit: '5', cursor: writeCursor(PLACE) });
    expect(calls).toEqual([
      [
        'customer_queue',
        { customer_id: 'acme', page_size: 5, before_created_at: PLACE.created_at, before_id: PLACE.id },
      ],
    ]);
  });

  test('that is wrong asks the database nothing', async () => {
    await expect(ask(aQueue(), { limit: '0' })).rejects.toMatchObject({ status: 400 });
  });

  test('for a customer without jobs is a 404, which does not say more', async () => {
    const nobody = aQueue({ found: false, jobs: [] });
    await expect(ask(nobody, null, 'nobody')).rejects.toMatchObject({
      status: 404,
      message: 'No job of this customer is known.',
    });
  });
});

describe('an answer', () => {
  test('names the next page, where there is one', async () => {
    expect((await ask(aQueue({ next: PLACE }))).body.next_cursor).toBe(writeCursor(PLACE));
  });

  test('gives the customer id as it was asked for, decoded', async () => {
    expect((await ask(aQueue(), null, 'someone%40example.com')).body.customer_id).toBe('someone@example.com');
  });

  test('shows of an error neither secrets nor addresses', async () => {
    const error = 'login as someone@example.com failed: password=hunter2 at https://user:pass@db.example.com';
    const { body } = await ask(aQueue({ jobs: [aJob({ error })] }));
    expect(body.jobs[0]?.error).toBe(
      'login as [e-mail] failed: password=[secret] at https://[credentials]@db.example.com',
    );
  });

  test.each([
    [300, 'x'.repeat(300)],
    [301, `${'x'.repeat(299)}…`],
  ])('shows at most 300 characters of an error: of %i', async (length, shown) => {
    const { body } = await ask(aQueue({ jobs: [aJob({ error: 'x'.repeat(length) })] }));
    expect(body.jobs[0]?.error).toBe(shown);
  });

  test('does not cut a character in two', async () => {
    const { body } = await ask(aQueue({ jobs: [aJob({ error: `${'x'.repeat(298)}🐝🐝` })] }));
    expect(body.jobs[0]?.error?.isWellFormed()).toBe(true);
  });

  const NO_DATE_TIMES = ['infinity', '-infinity', '58824-02-29T12:00:00+00:00', '0044-03-15T12:00:00+00:00 BC'];
  test.each(NO_DATE_TIMES)('has no time where the database has %s', async (time) => {
    const { body } = await ask(aQueue({ jobs: [aJob({ created_at: time, completed_at: time })] }));
    expect(body.jobs[0]).toMatchObject({ created_at: null, completed_at: null });
  });
});
