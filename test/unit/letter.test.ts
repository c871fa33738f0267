import type { Message } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { toLetter } from '../../lambdas/dlq-monitor/letter.ts';
import { NOW } from './dead-letter-builders.ts';

const JOB = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const SENT = Date.parse('2026-11-24T12:00:00Z');

function aMessage(Body: string | undefined, rest: Partial<Message> = {}): Message {
  return {
    MessageId: 'm1',
    ReceiptHandle: 'r1',
    Body,
    Attributes: {
      SentTimestamp: String(SENT),
      ApproximateReceiveCount: '6',
      DeadLetterQueueSourceArn: 'arn:aws:sqs:us-east-1:123456789012:jobs',
    },
    ...rest,
  };
}
const letterOf = (body: unknown, rest?: Partial<Message>) =>
  toLetter(aMessage(typeof body === 'string' ? body : JSON.stringify(body), rest), 14 * 86_400, NOW);

describe('a letter', () => {
  test('says what the message of a job says', () => {
    const body = { job_id: JOB, customer_id: 'cust_1', lease: 3, error_message: 'timeout', package_size: 50 };
    expect(letterOf(body)).toEqual({
      message_id: 'm1',
      body: JSON.stringify(body),
      receive_count: 5,
      sent_at: '2026-11-24T12:00:00.000Z',
      expires_at: '2026-12-08T12:00:00.000Z',
      job_id: JOB,
      customer_id: 'cust_1',
      lease: 3,
      source_queue: 'jobs',
      reason: 'timeout',
    });
  });

  test.each([
    ['text that is not JSON', 'poison {'],
    ['half of a JSON object', `{"job_id":"${JOB}"`],
    ['nothing', ''],
    ['JSON null', 'null'],
    ['a JSON array', '[{"job_id":"x"}]'],
    ['a JSON number', '42'],
    ['a JSON text', '"job_id"'],
    ['an object without a job', '{"customer":"x"}'],
    ['a __proto__', '{"__proto__":{"job_id":"x"}}'],
  ])('is made of %s, with the body as it is', (_what, body) => {
    const letter = letterOf(body);
    expect(letter).toMatchObject({ message_id: 'm1', body });
    expect(letter.job_id).toBeUndefined();
  });

  test('is made of a body of 1 MiB, whole', () => {
    const body = `{"job_id":"${JOB}","payload":"${'x'.repeat(1_048_576 - 100)}"}`;
    const letter = letterOf(body);
    expect(letter.body).toBe(body);
    expect(letter.job_id).toBe(JOB);
  });

  test.each([
    ['a uuid', JOB, JOB],
    ['a uuid in capitals', JOB.toUpperCase(), JOB.toUpperCase()],
    ['a number', 7, undefined],
    ['another text', 'job-7', undefined],
    ['a uuid and more', `${JOB}'; drop table jobs`, undefined],
    ['a uuid after a line break', `\n${JOB}`, undefined],
    ['an object', { id: JOB }, undefined],
    ['null', null, undefined],
  ])('with a job_id that is %s', (_what, jobId, expected) => {
    expect(letterOf({ job_id: jobId }).job_id).toBe(expected);
  });

  test.each([
    ['a text', 'acme', 'acme'],
    ['a number', 4711, '4711'],
    ['zero', 0, '0'],
    ['nothing', '', undefined],
    ['null', null, undefined],
    ['an object', { id: 1 }, undefined],
    ['200 characters', 'c'.repeat(200), 'c'.repeat(200)],
    ['201 characters', 'c'.repeat(201), 'c'.repeat(200)],
  ])('with a customer_id that is %s', (_what, customerId, expected) => {
    expect(letterOf({ customer_id: customerId }).customer_id).toBe(expected);
  });

  test.each([
    ['0', 0, 0],
    ['a whole number', 12, 12],
    ['a text', '12', undefined],
    ['a fraction', 1.5, undefined],
    ['null', null, undefined],
    ['the largest safe number', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['more than that', Number.MAX_SAFE_INTEGER + 1, undefined],
  ])('with a lease that is %s', (_what, lease, expected) => {
    expect(letterOf({ lease }).lease).toBe(expected);
  });

  test('has nothing that Postgres cannot keep: neither NUL nor half of a surrogate pair', () => {
    const letter = letterOf('a\0b\ud800c', {});
    expect(letter.body).toBe('ab\ufffdc');
    const fields = letterOf({ customer_id: '\0x\udc00', error: '\ud83d' });
    expect(fields).toMatchObject({ customer_id: 'x\ufffd', reason: '\ufffd' });
    expect(letterOf({ customer_id: `${'c'.repeat(199)}😀` }).customer_id?.isWellFormed()).toBe(true);
  });

  test.each(['error_message', 'error', 'reason'])('takes its reason from %s in the body', (name) => {
    expect(letterOf({ [name]: 'why' }).reason).toBe('why');
  });

  test.each([
    ['error_message', 'why'],
    ['ErrorMessage', 'why'],
  ])('takes its reason from the attribute %s of the message', (name, reason) => {
    const MessageAttributes = { [name]: { DataType: 'String', StringValue: reason } };
    expect(letterOf('not JSON', { MessageAttributes }).reason).toBe('why');
  });

  test('prefers the reason in the body, and cuts it at 1,000 characters', () => {
    const MessageAttributes = { error_message: { DataType: 'String', StringValue: 'attribute' } };
    expect(letterOf({ error: 'e'.repeat(1_001) }, { MessageAttributes }).reason).toBe('e'.repeat(1_000));
  });

  test('without attributes counts as sent now and received once', () => {
    expect(letterOf('x', { Attributes: undefined })).toMatchObject({
      sent_at: NOW.toISOString(),
      receive_count: 1,
      source_queue: undefined,
    });
  });

  test.each([
    ['1', 1],
    ['2', 1],
    ['3', 2],
  ])('of a message that SQS counts %s receives of, this look included, had %i', (ApproximateReceiveCount, count) => {
    expect(letterOf('x', { Attributes: { ApproximateReceiveCount } }).receive_count).toBe(count);
  });

  test('without a body and an id is one all the same', () => {
    expect(toLetter({}, 60, NOW)).toMatchObject({ message_id: '', body: '' });
  });
});
