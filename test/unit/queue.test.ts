import { type SendMessageBatchCommandOutput, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { connectQueue } from '../../lambdas/shared/queue.ts';

const QUEUE = 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs';

type Entries = { Id: string; MessageBody: string }[];
type Answer = Partial<SendMessageBatchCommandOutput>;

/** SQS itself, as far as the client's caller can tell: what it was asked, and what it answers. */
function sqsThat(answer: (entries: Entries, signal: AbortSignal) => Answer | Promise<Answer>) {
  const calls: Entries[] = [];
  const send = async ({ input }: { input: { Entries: Entries } }, { abortSignal }: { abortSignal: AbortSignal }) => {
    calls.push(input.Entries);
    return answer(input.Entries, abortSignal);
  };
  return { client: Object.assign(Object.create(SQSClient.prototype), { send }) as SQSClient, calls };
}

const entries = (...ids: string[]): Entries => ids.map((Id) => ({ Id, MessageBody: `job ${Id}` }));
const acknowledge = (some: Entries): Answer => ({
  Successful: some.map(({ Id }) => ({ Id, MessageId: `m${Id}`, MD5OfMessageBody: '' })),
});

function sqsError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

describe('a batch sent to the queue', () => {
  test('answers what SQS acknowledged and what it refused, each under its own id', async () => {
    const { client } = sqsThat(() => ({
      ...acknowledge(entries('1', '3')),
      Failed: [{ Id: '2', SenderFault: false, Code: 'InternalError', Message: 'try again' }],
    }));
    expect(await connectQueue(client, QUEUE).sendBatch(entries('1', '2', '3'))).toEqual([
      { id: '1', messageId: 'm1' },
      { id: '2', error: 'InternalError: try again' },
      { id: '3', messageId: 'm3' },
    ]);
  });

  test('counts an entry that is missing from the answer as refused', async () => {
    const { client } = sqsThat(() => acknowledge(entries('1')));
    expect(await connectQueue(client, QUEUE).sendBatch(entries('1', '2'))).toEqual([
      { id: '1', messageId: 'm1' },
      { id: '2', error: 'SQS did not answer for this entry' },
    ]);
  });

  test('counts every entry as refused when SQS answers nothing at all', async () => {
    const { client } = sqsThat(() => ({}));
    expect(await connectQueue(client, QUEUE).sendBatch(entries('1'))).toEqual([
      { id: '1', error: 'SQS did not answer for this entry' },
    ]);
  });

  test('does not throw when the call fails, but says for each entry why', async () => {
    const { client, calls } = sqsThat(() => Promise.reject(sqsError('QueueDoesNotExist', 'no such queue')));
    expect(await connectQueue(client, QUEUE).sendBatch(entries('1', '2'))).toEqual([
      { id: '1', error: 'SQS: QueueDoesNotExist: no such queue' },
      { id: '2', error: 'SQS: QueueDoesNotExist: no such queue' },
    ]);
    expect(calls).toHaveLength(1);
  });

  test('does not wait for SQS longer than its deadline', async () => {
    const { client } = sqsThat(
      (_entries, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const [outcome] = await connectQueue(client, QUEUE, 20).sendBatch(entries('1'));
    expect(outcome?.error).toContain('SQS: TimeoutError');
  });

  test('that is too long as a whole is sent entry by entry, so that a huge one stops no other', async () => {
    const { client, calls } = sqsThat((some) => {
      if (some.length > 1) throw sqsError('BatchRequestTooLong', 'longer than 1048576 bytes');
      if (some[0]?.Id === '2') throw sqsError('BatchRequestTooLong', 'longer than 1048576 bytes');
      return acknowledge(some);
    });
    expect(await connectQueue(client, QUEUE).sendBatch(entries('1', '2', '3'))).toEqual([
      { id: '1', messageId: 'm1' },
      { id: '2', error: 'SQS: BatchRequestTooLong: longer than 1048576 bytes' },
      { id: '3', messageId: 'm3' },
    ]);
    expect(calls.map((some) => some.map(({ Id }) => Id))).toEqual([['1', '2', '3'], ['1'], ['2'], ['3']]);
  });
});

test('a queue is FIFO when its name ends in .fifo', () => {
  const { client } = sqsThat(() => ({}));
  expect(connectQueue(client, QUEUE).isFifo).toBe(false);
  expect(connectQueue(client, `${QUEUE}.fifo`).isFifo).toBe(true);
});
