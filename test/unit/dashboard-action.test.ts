import { SQSServiceException } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { act } from '../../lambdas/dashboard-action/act.ts';
import type { Redrive } from '../../lambdas/dashboard-action/redrive.ts';
import { type Database, DatabaseError } from '../../lambdas/shared/database.ts';
import { readWidgetEvent } from '../../lambdas/shared/widget-event.ts';

const JOB = '00000000-0000-4000-8000-000000000007';

type Seen = { calls: unknown[]; started: number[]; stopped: string[] };

type World = {
  /** What recover_stale_job answers or throws. */
  readonly recovery?: unknown;
  readonly queue?: Awaited<ReturnType<Redrive['look']>>;
  /** What SQS says when it is to begin or to stop a redrive. */
  readonly sqsError?: Error;
};

function aWorld({ recovery, queue = { visible: 3 }, sqsError }: World = {}) {
  const seen: Seen = { calls: [], started: [], stopped: [] };
  const database: Database = {
    async call<T>(name: string, args?: Record<string, unknown>) {
      seen.calls.push([name, args]);
      if (recovery instanceof Error) throw recovery;
      return recovery as T;
    },
  };
  const redrive: Redrive = {
    look: async () => queue,
    start: async (perSecond) => {
      if (sqsError) throw sqsError;
      seen.started.push(perSecond);
    },
    stop: async (handle) => {
      if (sqsError) throw sqsError;
      seen.stopped.push(handle);
      return 2;
    },
  };
  const options = {
    openDatabase: async () => database,
    redrive,
    staleThresholdMinutes: 10,
    staleCheckMinutes: 2,
    requestedBy: 'Ada',
  };
  return { seen, press: (params: object) => act(readWidgetEvent(params), options) };
}

const requeued = { job_id: JOB, action: 'requeue', lease_before: 4, lease_after: 5, recoveries: 1 };
const RUNNING = { visible: 3, task: { status: 'RUNNING', moved: 1, handle: 'the-handle' } };

describe('recover', () => {
  test('recovers that job in the name of who asked, and says when its message goes out', async () => {
    const { seen, press } = aWorld({ recovery: requeued });
    const outcome = await press({ action: 'recover', jobId: JOB });
    expect(seen.calls).toEqual([['recover_stale_job', { job_id: JOB, requested_by: 'Ada', threshold_minutes: 10 }]]);
    expect(outcome).toMatchObject({ isDone: true, summary: `job ${JOB}: requeue` });
    expect(outcome.html.html).toContain('It is pending again. Its message goes out within 2 min.');
  });

  test('says that the message of a later recovery waits', async () => {
    const outcome = await aWorld({ recovery: { ...requeued, recoveries: 2 } }).press({ action: 'recover', jobId: JOB });
    expect(outcome.html.html).toContain('after a wait, which grows with each recovery in a row');
  });

  test.each([
    ['fail', 'It has failed'],
    ['hold', 'It is on hold now'],
    ['release', 'It is released from its hold'],
    ['cancel', 'it has ended, as failed'],
  ])('says what became of the job: %s', async (action, words) => {
    const outcome = await aWorld({ recovery: { ...requeued, action } }).press({ action: 'recover', jobId: JOB });
    expect(outcome.html.html).toContain(words);
  });

  test('replayed does no harm, and says that the job is no longer stale', async () => {
    const cause = { message: `job ${JOB} is not stale: it is pending`, code: 'PT409' };
    const { press } = aWorld({ recovery: new DatabaseError('HTTP 409', 409, { cause }) });
    const outcome = await press({ action: 'recover', jobId: JOB });
    expect(outcome).toMatchObject({ isDone: false, summary: `nothing was done: ${cause.message}` });
    expect(outcome.html.html).toContain(`${cause.message}.`);
  });

  test('throws when it is not known whether it was done', async () => {
    const { press } = aWorld({ recovery: new DatabaseError('no answer', 0) });
    await expect(press({ action: 'recover', jobId: JOB })).rejects.toThrow('no answer');
  });

  test.each([[undefined], [''], ['7'], [`${JOB}'--`], [{ id: JOB }]])('asks nothing for the job %j', async (jobId) => {
    const { seen, press } = aWorld({ recovery: requeued });
    expect(await press({ action: 'recover', jobId })).toMatchObject({ isDone: false });
    expect(seen.calls).toEqual([]);
  });
});

function fromSqs(name: string, message: string, $fault: 'client' | 'server' = 'client') {
  return new SQSServiceException({ name, message, $fault, $metadata: {} });
}

describe('redrive', () => {
  test('pressed by two people at once begins one, and tells the other that nothing was done', async () => {
    const sqsError = fromSqs('InvalidParameterValue', 'There is already a task running.');
    expect(await aWorld({ sqsError }).press({ action: 'redrive', perSecond: 1 })).toMatchObject({
      isDone: false,
      summary: 'nothing was done: There is already a task running',
    });
  });

  test('throws when SQS itself fails, for then it is not known whether it was begun', async () => {
    const { press } = aWorld({ sqsError: fromSqs('InternalFailure', 'We are sorry.', 'server') });
    await expect(press({ action: 'redrive', perSecond: 1 })).rejects.toThrow('We are sorry.');
  });

  test.each([1, 10])('begins at %i a second', async (perSecond) => {
    const { seen, press } = aWorld();
    expect(await press({ action: 'redrive', perSecond })).toMatchObject({
      isDone: true,
      summary: `redrive of 3 begun at ${perSecond} a second`,
    });
    expect(seen.started).toEqual([perSecond]);
  });

  test.each([[undefined], [0], [500], ['10'], [null]])('begins at no other speed, such as %j', async (perSecond) => {
    const { seen, press } = aWorld();
    expect(await press({ action: 'redrive', perSecond })).toMatchObject({ isDone: false });
    expect(seen.started).toEqual([]);
  });

  test('replayed while it runs begins no second one', async () => {
    const { seen, press } = aWorld({ queue: RUNNING });
    expect((await press({ action: 'redrive', perSecond: 1 })).summary).toBe(
      'nothing was done: a redrive is running already, 1 moved so far',
    );
    expect(seen.started).toEqual([]);
  });

  test('replayed after it has moved all has nothing to do', async () => {
    const { seen, press } = aWorld({ queue: { visible: 0, task: { status: 'COMPLETED', moved: 3 } } });
    expect(await press({ action: 'redrive', perSecond: 1 })).toMatchObject({ isDone: false });
    expect(seen.started).toEqual([]);
  });
});

describe('stop', () => {
  test('stops the redrive that runs, and says how far it came', async () => {
    const { seen, press } = aWorld({ queue: RUNNING });
    expect(await press({ action: 'stop' })).toMatchObject({ isDone: true, summary: 'redrive stopped after 2' });
    expect(seen.stopped).toEqual(['the-handle']);
  });

  test('that comes as the redrive ends has nothing to stop', async () => {
    const sqsError = fromSqs('ResourceNotFoundException', 'Task does not exist or is not running.');
    expect(await aWorld({ queue: RUNNING, sqsError }).press({ action: 'stop' })).toMatchObject({ isDone: false });
  });

  test('replayed finds none', async () => {
    const { seen, press } = aWorld({ queue: { visible: 3, task: { status: 'CANCELLED', moved: 2 } } });
    expect(await press({ action: 'stop' })).toMatchObject({ isDone: false });
    expect(seen.stopped).toEqual([]);
  });
});

test('an action that is not there is named and escaped, and nothing is done', async () => {
  const { seen, press } = aWorld();
  const outcome = await press({ action: '<img src=x onerror=alert(1)>' });
  expect(outcome.isDone).toBe(false);
  expect(outcome.html.html).not.toContain('<img');
  expect(seen).toEqual({ calls: [], started: [], stopped: [] });
});

test.each([[{ toString: 1, valueOf: 1 }], [null], [['recover']]])(
  'a forged action, such as %j, is refused and breaks nothing',
  async (action) => {
    expect(await aWorld().press({ action, perSecond: action })).toMatchObject({ isDone: false });
  },
);
