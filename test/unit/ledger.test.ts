import { describe, expect, test } from '@jest/globals';
import { deadLetterOf, openLedger } from '../../lambdas/dlq-monitor/ledger.ts';
import type { Letter } from '../../lambdas/dlq-monitor/letter.ts';
import { type Database, DatabaseError } from '../../lambdas/shared/database.ts';
import { NOW } from './dead-letter-builders.ts';

const aLetter = (message_id: string, body = 'x', rest: Partial<Letter> = {}): Letter => ({
  message_id,
  body,
  receive_count: 5,
  sent_at: '2026-11-24T12:00:00Z',
  expires_at: '2026-12-08T12:00:00Z',
  ...rest,
});
type Row = { is_new: boolean; message_id: string; job_error?: string | null };
const REFUSED = new DatabaseError('record_dead_letters: HTTP 400 22P05', 400);
const DOWN = new DatabaseError('record_dead_letters: no answer', 0);

/** Records what it is sent, but for ids that `refuse` names; `fail` answers what the nth call throws. */
function aDatabase({
  refuse = [] as string[],
  known = [] as string[],
  unmarked = [] as string[],
  fail = (_n: number): Error | undefined => undefined,
} = {}) {
  const requests: string[][] = [];
  const database: Database = {
    async call<T>(_name: string, args: Record<string, unknown> = {}) {
      const ids = (args['letters'] as Letter[]).map(({ message_id }) => message_id);
      requests.push(ids);
      const error = fail(requests.length);
      if (error) throw error;
      if (ids.some((id) => refuse.includes(id))) throw REFUSED;
      return ids.map(
        (message_id): Row => ({
          message_id,
          is_new: !known.includes(message_id),
          job_error: unmarked.includes(message_id) ? 'never' : null,
        }),
      ) as T;
    },
  };
  return { requests, ledger: openLedger(database, 'dead-letters') };
}

describe('the ledger', () => {
  test('records letters together and counts the new ones', async () => {
    const { requests, ledger } = aDatabase({ known: ['b'] });
    expect(await ledger.record([aLetter('a'), aLetter('b'), aLetter('c')])).toEqual({
      newCount: 2,
      refused: [],
      unmarked: [],
    });
    expect(requests).toEqual([['a', 'b', 'c']]);
  });

  test('keeps one that the database refuses from stopping the others', async () => {
    const { requests, ledger } = aDatabase({ refuse: ['b'] });
    expect(await ledger.record([aLetter('a'), aLetter('b'), aLetter('c')])).toEqual({
      newCount: 2,
      refused: [`b: ${REFUSED.message}`],
      unmarked: [],
    });
    expect(requests).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']]);
  });

  test('tells of a letter that is kept while its job could not be marked', async () => {
    const { ledger } = aDatabase({ unmarked: ['b'] });
    expect(await ledger.record([aLetter('a'), aLetter('b')])).toEqual({
      newCount: 2,
      refused: [],
      unmarked: ['b: never'],
    });
  });

  test('throws at once when the database does not answer', async () => {
    const { requests, ledger } = aDatabase({ fail: () => DOWN });
    await expect(ledger.record([aLetter('a'), aLetter('b')])).rejects.toBe(DOWN);
    expect(requests).toHaveLength(1);
  });

  test('throws when the database goes away between two of them', async () => {
    const { ledger } = aDatabase({ refuse: ['b'], fail: (call) => (call === 3 ? DOWN : undefined) });
    await expect(ledger.record([aLetter('a'), aLetter('b')])).rejects.toBe(DOWN);
  });

  test.each([
    ['together, up to 1,000,000 characters', 500_000, 1],
    ['one by one above that', 500_001, 2],
  ])('sends large letters %s', async (_how, size, requestCount) => {
    const { requests, ledger } = aDatabase();
    await ledger.record([aLetter('a', 'x'.repeat(size)), aLetter('b', 'x'.repeat(500_000))]);
    expect(requests).toHaveLength(requestCount);
  });

  test('sends one of 1 MiB by itself', async () => {
    const { ledger } = aDatabase();
    expect(await ledger.record([aLetter('a', 'x'.repeat(1_048_576))])).toEqual({
      newCount: 1,
      refused: [],
      unmarked: [],
    });
  });

  test('lets any other error through', async () => {
    const bug = new TypeError('a bug');
    const { ledger } = aDatabase({ fail: () => bug });
    await expect(ledger.record([aLetter('a')])).rejects.toBe(bug);
  });

  test('names the queue, what is still there, and what was redriven, null where that is not known', async () => {
    const calls: unknown[] = [];
    const row = {
      message_id: 'a',
      job_id: null,
      customer_id: null,
      job_type: null,
      reason: 'why',
      receive_count: 5,
      sent_at: '2026-11-24T12:00:00+00:00',
      expires_at: '2026-12-08T12:00:00+00:00',
      first_seen_at: '2026-11-24T12:30:00+00:00',
    };
    const database: Database = {
      async call<T>(name: string, args?: Record<string, unknown>) {
        calls.push([name, args]);
        return (name === 'clear_dead_letters' ? { redriven: 1, deleted: 2, unknown: 3, expired: [row] } : [row]) as T;
      },
    };
    const ledger = openLedger(database, 'dead-letters');
    expect(await ledger.clear(['b'], undefined, NOW)).toEqual({
      redriven: 1,
      deleted: 2,
      unknown: 3,
      expired: [
        {
          messageId: 'a',
          jobId: undefined,
          customerId: undefined,
          jobType: undefined,
          reason: 'why',
          receiveCount: 5,
          sentAt: new Date('2026-11-24T12:00:00Z'),
          expiresAt: new Date('2026-12-08T12:00:00Z'),
          firstSeenAt: new Date('2026-11-24T12:30:00Z'),
        },
      ],
    });
    await ledger.open();
    expect(calls).toEqual([
      [
        'clear_dead_letters',
        { queue_name: 'dead-letters', still_there: ['b'], redriven_count: null, since: NOW.toISOString() },
      ],
      ['open_dead_letters', { queue_name: 'dead-letters' }],
    ]);
  });

  test('of a letter that could not be recorded tells what the message says, without its body', () => {
    const dead = deadLetterOf(aLetter('a', 'secret', { job_id: 'j', customer_id: 'c', reason: 'why' }), NOW);
    expect(dead).toMatchObject({ messageId: 'a', jobId: 'j', customerId: 'c', reason: 'why', firstSeenAt: NOW });
    expect(JSON.stringify(dead)).not.toContain('secret');
  });
});
