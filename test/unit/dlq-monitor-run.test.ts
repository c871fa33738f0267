import { describe, expect, test } from '@jest/globals';
import type { FinishedRun } from '../../lambdas/dlq-monitor/record.ts';
import { type RunOptions, runMonitor } from '../../lambdas/dlq-monitor/run.ts';
import { MINUTE, NOW } from './dead-letter-builders.ts';
import { aLedger, aQueue, aSlack, aStore } from './dead-letter-fakes.ts';

/** One monitor and all that it talks to; each run comes five minutes after the one before. */
function aMonitor({ queue = aQueue(), threshold = 1, remainingMs = (): number => 110_000 } = {}) {
  const [ledger, store, slack] = [aLedger(), aStore(), aSlack()];
  const recorded: FinishedRun[] = [];
  let time = NOW.getTime();
  const options: RunOptions = {
    queue,
    queueUrl: 'https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters',
    openLedger: async () => ledger,
    runId: 'run-1',
    async recordRun(run) {
      if (ledger.isDown) throw new Error('the database does not answer');
      recorded.push(run);
    },
    store,
    sendToSlack: slack.send,
    threshold,
    links: {},
    now: () => new Date(time),
    remainingMs,
    log: { warn: () => {} },
  };
  const run = (overrides: Partial<RunOptions> = {}) => {
    time += 5 * MINUTE;
    return runMonitor({ ...options, ...overrides });
  };
  return { queue, ledger, store, slack, recorded, run };
}

describe('a run', () => {
  test('reads the messages when their number changes, and leaves them alone otherwise', async () => {
    const { queue, run } = aMonitor({ queue: aQueue('a') });
    for (let count = 0; count < 50; count += 1) await run();
    expect(queue.receives).toEqual([['a']]);
    queue.send('b');
    await run();
    await run();
    expect(queue.receives).toEqual([['a'], ['a', 'b']]);
  });

  test('says nothing more while nothing changes', async () => {
    const { slack, run } = aMonitor({ queue: aQueue('a') });
    for (let count = 0; count < 40; count += 1) await run();
    expect(slack.texts).toHaveLength(1);
  });

  test('records messages that were in flight before, without telling of them twice', async () => {
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue('a', 'b') });
    queue.held.add('b');
    await run();
    queue.held.clear();
    await run();
    expect([...ledger.recorded]).toEqual(['a', 'b']);
    expect(slack.texts).toHaveLength(1);
  });

  test('reads a message that was in flight when it was first counted', async () => {
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue('a') });
    queue.held.add('a');
    await run();
    expect(slack.texts).toEqual([]);
    queue.held.clear();
    await run();
    expect([...ledger.recorded]).toEqual(['a']);
    expect(slack.texts).toHaveLength(1);
  });

  test('reads again when SQS counted a message and gave none', async () => {
    const { queue, ledger, run } = aMonitor({ queue: aQueue('a') });
    queue.onReceive = () => false;
    await run();
    queue.onReceive = () => true;
    await run();
    expect([...ledger.recorded]).toEqual(['a']);
  });

  test('says nothing of a count that is gone when asked again', async () => {
    const { queue, slack, run } = aMonitor();
    const counts = [1, 0];
    queue.faults.readAttributes = async () => ({
      visible: counts.shift() ?? 0,
      inFlight: 0,
      delayed: 0,
      retentionSeconds: 60,
      arn: 'arn:aws:sqs:us-east-1:1:q',
    });
    await run();
    expect(slack.texts).toEqual([]);
  });

  test('tells of messages that failed again after a redrive, though they are as many as before', async () => {
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue('a', 'b') });
    await run();
    queue.redrive();
    queue.send('c', 'd');
    await run();
    expect(slack.texts).toEqual([expect.any(String), expect.stringContaining('2 new')]);
    expect([...ledger.stillOpen]).toEqual(['c', 'd']);
  });

  test('tells of a new message that Slack did not take at first, also when an older one left meanwhile', async () => {
    const { queue, slack, run } = aMonitor({ queue: aQueue('a', 'b') });
    await run();
    slack.isDown = true;
    queue.send('c');
    await run();
    slack.isDown = false;
    queue.remove('a');
    await run();
    await run();
    expect(slack.texts).toEqual([expect.any(String), expect.stringContaining('1 new')]);
  });

  test('tells of a new message that the database refuses', async () => {
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue('a') });
    await run();
    ledger.refuses.add('b');
    queue.send('b');
    const report = await run();
    expect(slack.texts).toEqual([expect.any(String), expect.stringContaining('1 new')]);
    expect(report.problems).toEqual([expect.stringContaining('record a dead letter: b')]);
  });

  test('reads on in the next run when its time was over, without telling of it as news', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `m${index}`);
    let left = 110_000;
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue(...ids), remainingMs: () => left });
    queue.onReceive = () => {
      left -= 50_000;
      return true;
    };
    await run();
    expect(ledger.recorded.size).toBe(20);
    left = 110_000;
    queue.onReceive = () => true;
    await run();
    expect(ledger.recorded.size).toBe(25);
    expect(slack.texts).toHaveLength(1);
  });

  test('alerts while the database is down, does not repeat itself, and records when it is back', async () => {
    const { ledger, slack, run } = aMonitor({ queue: aQueue('a') });
    ledger.isDown = true;
    expect((await run()).problems).not.toEqual([]);
    await run();
    expect(slack.texts).toHaveLength(1);
    ledger.isDown = false;
    expect((await run()).problems).toEqual([]);
    expect([...ledger.recorded]).toEqual(['a']);
    expect(slack.texts).toHaveLength(1);
  });

  test('gives the first to expire as the oldest, also while the database is down', async () => {
    const queue = aQueue('young', 'old');
    for (const [index, { Attributes }] of queue.messages.entries()) {
      if (Attributes) Attributes.SentTimestamp = String(NOW.getTime() - index * MINUTE);
    }
    const { ledger, run } = aMonitor({ queue });
    ledger.isDown = true;
    const { oldestExpirySeconds } = await run();
    expect(oldestExpirySeconds).toBe(14 * 86_400 - 60 - 5 * 60);
  });

  test('speaks from half of the messages when reading breaks off, and reads all of them in the next run', async () => {
    const ids = Array.from({ length: 15 }, (_, index) => `m${index}`);
    const { queue, ledger, slack, run } = aMonitor({ queue: aQueue(...ids) });
    queue.onReceive = (call) => {
      if (call > 1) throw new Error('SQS does not answer');
      return true;
    };
    const report = await run();
    expect(report).toMatchObject({ said: 'first', problems: [expect.stringContaining('SQS does not answer')] });
    expect(queue.givenBack).toHaveLength(10);
    queue.onReceive = () => true;
    await run();
    expect(ledger.recorded.size).toBe(15);
    expect(slack.texts).toHaveLength(1);
  });

  test('closes the records of dead letters that Slack never heard of, once the queue is empty twice', async () => {
    const { queue, ledger, run } = aMonitor({ queue: aQueue('a', 'b'), threshold: 5 });
    await run();
    expect(ledger.stillOpen.size).toBe(2);
    queue.remove('a', 'b');
    await run();
    expect(ledger.stillOpen.size).toBe(2);
    await run();
    expect(ledger.stillOpen.size).toBe(0);
  });

  test('does not write an alert off as said that Slack did not take', async () => {
    const { store, slack, run } = aMonitor({ queue: aQueue('a') });
    slack.isDown = true;
    expect(await run()).toMatchObject({ alertsFailed: 1, said: undefined });
    expect(store.state?.incident).toBeUndefined();
    slack.isDown = false;
    expect(await run()).toMatchObject({ alertsFailed: 0, said: 'first' });
  });

  test('leaves all to a run that holds the lock', async () => {
    const { queue, store, slack, run } = aMonitor({ queue: aQueue('a') });
    expect(await run({ store: { ...store, lock: async () => false } })).toMatchObject({
      isSkipped: true,
      problems: [],
    });
    expect(queue.receives).toEqual([]);
    expect(slack.texts).toEqual([]);
  });

  test('unlocks also when SQS does not answer, and throws', async () => {
    const { queue, store, run } = aMonitor();
    queue.faults.readAttributes = async () => {
      throw new Error('SQS does not answer');
    };
    let isUnlocked = false;
    const unlock = async () => {
      isUnlocked = true;
    };
    await expect(run({ store: { ...store, unlock } })).rejects.toThrow('SQS does not answer');
    expect(isUnlocked).toBe(true);
  });
});

describe('the record of a run', () => {
  test('says when it ended well, and how many dead letters it counted in all three states', async () => {
    const { queue, recorded, run } = aMonitor({ queue: aQueue('a', 'b', 'c') });
    queue.held.add('c');
    await run();
    expect(recorded).toEqual([
      {
        run_id: 'run-1',
        monitor: 'dlq-monitor',
        duration_ms: 0,
        succeeded: true,
        summary: { depth: 3, newCount: undefined, said: 'first', alertsFailed: 0, problems: [] },
      },
    ]);
  });

  test('of a run that failed in part says so, and still how many there are', async () => {
    const { slack, recorded, run } = aMonitor({ queue: aQueue('a') });
    slack.isDown = true;
    await run();
    expect(recorded).toMatchObject([
      { succeeded: false, summary: { depth: 1, alertsFailed: 1, problems: ['alert Slack: no_service'] } },
    ]);
  });

  test('of a run that SQS ended says so, and nothing of a count', async () => {
    const { queue, recorded, run } = aMonitor();
    queue.faults.readAttributes = async () => {
      throw new Error('SQS does not answer');
    };
    await expect(run()).rejects.toThrow('SQS does not answer');
    expect(recorded).toMatchObject([
      { succeeded: false, summary: { depth: undefined, problems: ['SQS does not answer'] } },
    ]);
  });

  test('is the last thing of all: the alert is out, the state written and the lock given back', async () => {
    const { store, run } = aMonitor({ queue: aQueue('a') });
    const order: string[] = [];
    await run({
      sendToSlack: async () => void order.push('alert'),
      store: {
        ...store,
        write: async () => void order.push('state'),
        unlock: async () => void order.push('unlock'),
      },
      recordRun: async () => void order.push('record'),
    });
    expect(order).toEqual(['alert', 'state', 'unlock', 'record']);
  });

  test('that the database does not take is a problem of the run, which has alerted all the same', async () => {
    const { slack, ledger, run } = aMonitor({ queue: aQueue('a') });
    ledger.isDown = true;
    const { problems, said } = await run();
    expect(said).toBe('first');
    expect(problems).toContain('record the run: the database does not answer');
    expect(slack.texts).toHaveLength(1);
  });

  test.each([
    { left: 13_000, records: 1, problems: [] },
    { left: 12_999, records: 0, problems: ['record the run: no time was left'] },
  ])('is written $records times with $left ms left', async ({ left, records, problems }) => {
    const { recorded, run } = aMonitor({ remainingMs: () => left });
    expect((await run()).problems).toEqual(problems);
    expect(recorded).toHaveLength(records);
  });

  test('is left to the other run where that holds the lock', async () => {
    const { store, recorded, run } = aMonitor();
    await run({ store: { ...store, lock: async () => false } });
    expect(recorded).toEqual([]);
  });
});
