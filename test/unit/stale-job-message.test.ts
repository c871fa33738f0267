import { describe, expect, test } from '@jest/globals';
import { type Dispatch, spreadSeconds, toEntry } from '../../lambdas/stale-job-monitor/message.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const STANDARD = { now: NOW, isFifo: false, spreadSeconds: 0 };

function aDispatch(different: Partial<Dispatch> = {}): Dispatch {
  return {
    dispatch_id: 7,
    job_id: '3f1f7f6e-0000-4000-8000-000000000001',
    customer_id: 'acme',
    package_size: 50,
    priority_level: 2,
    retry_attempt: 1,
    lease: 4,
    requeued_by: 'stale_job_monitor',
    delay_seconds: 0,
    ...different,
  };
}

const bodyOf = (dispatch: Dispatch) => toEntry(dispatch, STANDARD).MessageBody ?? '';

describe('the message of a recovered job', () => {
  test('has the body and the attributes that workers read', () => {
    const entry = toEntry(aDispatch(), STANDARD);
    expect(JSON.parse(entry.MessageBody ?? '')).toEqual({
      job_id: '3f1f7f6e-0000-4000-8000-000000000001',
      customer_id: 'acme',
      package_size: 50,
      priority: 2,
      retry_attempt: 1,
      requeued_by: 'stale_job_monitor',
      requeued_at: '2026-03-01T12:00:00.000Z',
      lease: 4,
    });
    expect(entry).toEqual({
      Id: '7',
      MessageBody: entry.MessageBody,
      MessageAttributes: {
        priority: { DataType: 'Number', StringValue: '2' },
        retry: { DataType: 'String', StringValue: 'true' },
      },
      DelaySeconds: 0,
    });
  });

  test('has the default priority where the row has none, in the body and in the attribute', () => {
    const entry = toEntry(aDispatch({ priority_level: null }), STANDARD);
    expect(JSON.parse(entry.MessageBody ?? '')).toMatchObject({ priority: 3 });
    expect(entry.MessageAttributes).toMatchObject({ priority: { StringValue: '3' } });
  });

  test('keeps a priority of 0, and a package without a size', () => {
    expect(JSON.parse(bodyOf(aDispatch({ priority_level: 0, package_size: null })))).toMatchObject({
      priority: 0,
      package_size: null,
    });
  });

  test.each([
    ['the last plain character', '~', '~'],
    ['DEL, the first that is escaped', '\u007f', '\\u007f'],
    ['a letter beyond ASCII', 'é', '\\u00e9'],
    ['U+FFFE, which SQS refuses', '\ufffe', '\\ufffe'],
    ['U+FFFF, which SQS refuses', '\uffff', '\\uffff'],
    ['a control character, which SQS refuses', '\u0001', '\\u0001'],
    ['an emoji', '🚨', '\\ud83d\\udea8'],
    ['quotes and backslashes', '"\\', '\\"\\\\'],
  ])('writes %s so that SQS takes it and a JSON reader gets it back', (_what, character, written) => {
    const body = bodyOf(aDispatch({ customer_id: `a${character}b` }));
    expect(body).toContain(`"a${written}b"`);
    expect(body).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(body).customer_id).toBe(`a${character}b`);
  });

  test('waits for its delay and the spread together', () => {
    expect(toEntry(aDispatch({ delay_seconds: 30 }), { ...STANDARD, spreadSeconds: 12 }).DelaySeconds).toBe(42);
  });

  test.each([
    [899, 0, 899],
    [899, 1, 900],
    [900, 0, 900],
    [900, 1, 900],
    [0, 5000, 900],
  ])('waits %i s and %i s of spread as %i s: SQS takes 900 s at most', (delay_seconds, spread, expected) => {
    expect(toEntry(aDispatch({ delay_seconds }), { ...STANDARD, spreadSeconds: spread }).DelaySeconds).toBe(expected);
  });

  test('keeps its order per job in a FIFO queue, which takes no delay and drops a second copy of the same lease', () => {
    const entry = toEntry(aDispatch({ delay_seconds: 30 }), { now: NOW, isFifo: true, spreadSeconds: 5 });
    expect(entry).not.toHaveProperty('DelaySeconds');
    expect(entry).toMatchObject({
      MessageGroupId: '3f1f7f6e-0000-4000-8000-000000000001',
      MessageDeduplicationId: '3f1f7f6e-0000-4000-8000-000000000001:4',
    });
    const next = toEntry(aDispatch({ lease: 5 }), { now: NOW, isFifo: true, spreadSeconds: 0 });
    expect(next.MessageDeduplicationId).not.toBe(entry.MessageDeduplicationId);
  });
});

describe('the spread of a mass recovery', () => {
  const ALMOST_1 = 1 - Number.EPSILON;

  test.each([
    [0, ALMOST_1, 0],
    [49, ALMOST_1, 0],
    [50, 0, 0],
    [50, ALMOST_1, 2],
    [1000, 0.5, 25],
    [1000, ALMOST_1, 49],
  ])('holds message %i back, at the chance of %d, for %i s', (index, random, seconds) => {
    expect(spreadSeconds(index, random)).toBe(seconds);
  });
});
