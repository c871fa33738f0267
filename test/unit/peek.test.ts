import type { Message } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import type { DeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { peek } from '../../lambdas/dlq-monitor/peek.ts';
import { aQueue } from './dead-letter-fakes.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

function start(queue: DeadLetterQueue, expected: number, { remainingMs = (): number => 60_000, fail = false } = {}) {
  const given: string[] = [];
  const onMessages = async (messages: Message[]) => {
    given.push(...messages.map(({ MessageId = '' }) => MessageId));
    if (fail) throw new Error('not recorded');
  };
  return { given, done: peek({ queue, expected, remainingMs, onMessages }) };
}

describe('peek', () => {
  test.each([1, 10, 11, 25])('receives each of %i messages once, and gives all back', async (count) => {
    const queue = aQueue(...ids(count));
    const { given, done } = start(queue, count);
    expect([...(await done)]).toEqual(ids(count));
    expect(given).toEqual(ids(count));
    expect(queue.receives.flat()).toEqual(ids(count));
    expect(queue.givenBack).toEqual(ids(count).map((id) => `handle-${id}`));
    expect(await queue.readAttributes()).toMatchObject({ visible: count, inFlight: 0 });
  });

  test('counts a message that comes twice once, hands it on once, and gives back its newest handle', async () => {
    const message = (id: string, handle: string) => ({ MessageId: id, ReceiptHandle: handle });
    const answers = [[message('a', 'a1')], [message('a', 'a2'), message('b', 'b1')]];
    const givenBack: string[] = [];
    const queue: DeadLetterQueue = {
      ...aQueue(),
      receive: async () => answers.shift() ?? [],
      giveBack: async (handles) => void givenBack.push(...handles),
    };
    const { given, done } = start(queue, 2);
    expect([...(await done)]).toEqual(['a', 'b']);
    expect(given).toEqual(['a', 'b']);
    expect(givenBack).toEqual(['a2', 'b1']);
  });

  test.each([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 0],
  ])('after %i empty answers of a queue that has a message it finds %i', async (empty, found) => {
    const queue = aQueue('a');
    queue.onReceive = (call) => call > empty;
    expect((await start(queue, 1).done).size).toBe(found);
  });

  test('counts empty answers in a row only', async () => {
    const queue = aQueue(...ids(20));
    queue.onReceive = (call) => [3, 6].includes(call);
    expect((await start(queue, 20).done).size).toBe(20);
  });

  test('ends when all that were counted are seen, though more may have come', async () => {
    const queue = aQueue(...ids(30));
    await start(queue, 10).done;
    expect(queue.receives).toHaveLength(1);
  });

  test('ends when its time is over, and gives back what it has', async () => {
    const queue = aQueue(...ids(30));
    let left = 2;
    queue.onReceive = () => {
      left -= 1;
      return true;
    };
    expect((await start(queue, 30, { remainingMs: () => left }).done).size).toBe(20);
    expect(queue.givenBack).toHaveLength(20);
  });

  test('hides messages until its time is over and five seconds more, so that none comes twice', async () => {
    const hidden: number[] = [];
    const receive = async (seconds: number) => {
      hidden.push(seconds);
      return [];
    };
    const queue = { ...aQueue(), receive };
    await start(queue, 1, { remainingMs: () => 80_001 }).done;
    expect(hidden).toEqual([86, 86, 86]);
  });

  test('gives messages back also when they cannot be handed on', async () => {
    const queue = aQueue(...ids(5));
    await expect(start(queue, 5, { fail: true }).done).rejects.toThrow('not recorded');
    expect(queue.givenBack).toHaveLength(5);
  });

  test('gives messages back also when the next receive fails', async () => {
    const queue = aQueue(...ids(15));
    queue.onReceive = (call) => {
      if (call === 2) throw new Error('SQS does not answer');
      return true;
    };
    await expect(start(queue, 15).done).rejects.toThrow('SQS does not answer');
    expect(queue.givenBack).toHaveLength(10);
  });

  test('receives nothing when there is no time at all', async () => {
    const queue = aQueue('a');
    expect((await start(queue, 1, { remainingMs: () => 0 }).done).size).toBe(0);
    expect(queue.receives).toEqual([]);
  });
});
