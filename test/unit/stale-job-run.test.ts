import type { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, test } from '@jest/globals';
import type { Database } from '../../lambdas/shared/database.ts';
import type { Queue } from '../../lambdas/shared/queue.ts';
import type { Dispatch } from '../../lambdas/stale-job-monitor/message.ts';
import type { Recovery } from '../../lambdas/stale-job-monitor/recover.ts';
import { reportRun } from '../../lambdas/stale-job-monitor/report.ts';
import { type Health, type RunReport, runMonitor } from '../../lambdas/stale-job-monitor/run.ts';

const RUN_ID = '3f1f7f6e-0000-4000-8000-00000000000a';
const LAMBDA_MS = 110_000;

type Args = Record<string, unknown>;
type Marked = { sent: Sent[]; refused?: { dispatch_id: number; error: string }[] };
type Sent = { dispatch_id: number; lease: number; message_id: string };

/** Answers each SQL function from its script, and remembers what it was asked. */
function aDatabase(script: Record<string, (args: Args, call: number) => unknown> = {}) {
  const calls: [string, Args][] = [];
  const defaults: typeof script = {
    stale_job_health: () => [aHealth()],
    recover_stale_jobs: () => [],
    take_dispatches: () => [],
    mark_dispatches: () => 0,
    record_monitor_run: () => 0,
  };
  const database: Database = {
    async call<T>(name: string, args: Args = {}) {
      calls.push([name, args]);
      const number = calls.filter(([called]) => called === name).length;
      if (number > 20) throw new Error(`${name} is asked again and again`);
      return { ...defaults, ...script }[name]?.(args, number) as T;
    },
  };
  const argsOf = <T = Args>(name: string) => calls.filter(([called]) => called === name).map(([, args]) => args as T);
  return { database, argsOf, names: () => calls.map(([name]) => name) };
}

/** Acknowledges what it is sent, but for the ids that `refuse` names. */
function aQueue(refuse: (id: string) => boolean = () => false) {
  const sent: { id: string; delay?: number }[] = [];
  const queue: Queue = {
    isFifo: false,
    async sendBatch(entries) {
      sent.push(...entries.map(({ Id = '', DelaySeconds }) => ({ id: Id, delay: DelaySeconds })));
      return entries.map(({ Id: id = '' }) => (refuse(id) ? { id, error: `no ${id}` } : { id, messageId: `m${id}` }));
    },
  };
  return { queue, sent };
}

/** Hands out what is pending as the database does: what was taken is not given again. */
function pending(dispatches: Dispatch[]) {
  const left = [...dispatches];
  return ({ batch_limit }: Args) => left.splice(0, batch_limit as number);
}

const aHealth = (different: Partial<Health> = {}): Health => ({
  running: 10,
  stale: 0,
  held: 0,
  oldest_stale_seconds: 0,
  breaker_open: false,
  ...different,
});

const aRecovery = (different: Partial<Recovery> = {}): Recovery => ({
  job_id: 'job-1',
  action: 'requeue',
  reason: 'heartbeat_lost',
  error: null,
  breaker_open: false,
  ...different,
});

const dispatches = (count: number): Dispatch[] =>
  Array.from({ length: count }, (_, index) => ({
    dispatch_id: index + 1,
    job_id: `job-${index + 1}`,
    customer_id: 'acme',
    package_size: 50,
    priority_level: 2,
    retry_attempt: 1,
    lease: 4,
    requeued_by: 'stale_job_monitor',
    delay_seconds: 0,
  }));

const recoveries = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => aRecovery({ job_id: `job-${from + index}` }));

const fails = (message: string) => () => {
  throw new Error(message);
};

const SETTINGS = { thresholdMinutes: 10, batchSize: 3, breakerMinRunning: 20, breakerShare: 0.5, canarySize: 5 };

type RunOverrides = { database?: Database; queue?: Queue; random?: () => number; clock?: { ms: number } };

function run({ database = aDatabase().database, queue = aQueue().queue, random = () => 0, clock }: RunOverrides = {}) {
  const time = clock ?? { ms: 0 };
  return runMonitor({
    database,
    queue,
    settings: SETTINGS,
    runId: RUN_ID,
    now: () => new Date(time.ms),
    random,
    remainingMs: () => LAMBDA_MS - time.ms,
  });
}

describe('a monitor run', () => {
  test('looks, recovers, sends and records, in this order', async () => {
    const { database, names, argsOf } = aDatabase({
      stale_job_health: () => [aHealth({ stale: 4, held: 1 })],
      recover_stale_jobs: (_args, call) =>
        call === 1
          ? recoveries(3)
          : [aRecovery({ action: 'fail', job_id: 'job-3' }), aRecovery({ action: 'hold', job_id: 'job-4' })],
      take_dispatches: pending(dispatches(3)),
      record_monitor_run: () => 2,
    });
    const report = await run({ database });
    expect(names()).toEqual([
      'stale_job_health',
      'recover_stale_jobs',
      'recover_stale_jobs',
      'take_dispatches',
      'mark_dispatches',
      'take_dispatches',
      'record_monitor_run',
    ]);
    expect(report).toEqual({
      health: aHealth({ stale: 4, held: 1 }),
      requeued: 3,
      failed: 1,
      held: 1,
      dispatched: 3,
      dispatchFailures: 0,
      breakerOpen: false,
      lateCompletions: 2,
      durationMs: 0,
      problems: [],
    });
    expect(argsOf('record_monitor_run')).toEqual([
      expect.objectContaining({ run_id: RUN_ID, monitor: 'stale-job-monitor', succeeded: true }),
    ]);
  });

  test.each([
    [false, 900],
    [true, 0],
  ])('takes what is due within the delay that its queue can give (FIFO: %s)', async (isFifo, seconds) => {
    const { database, argsOf } = aDatabase();
    await run({ database, queue: { ...aQueue().queue, isFifo } });
    expect(argsOf('take_dispatches')).toMatchObject([{ look_ahead_seconds: seconds }]);
  });

  test('counts a job that was cancelled on request among the failed', async () => {
    const { database } = aDatabase({ recover_stale_jobs: () => [aRecovery({ action: 'cancel' })] });
    expect(await run({ database })).toMatchObject({ failed: 1, requeued: 0 });
  });

  test.each([
    ['stale_job_health', 'look for stale jobs: no'],
    ['recover_stale_jobs', 'recover stale jobs: no'],
    ['take_dispatches', 'send pending messages: no'],
    ['mark_dispatches', 'send pending messages: no'],
    ['record_monitor_run', 'record the run: no'],
  ])('goes on with the other parts when %s fails, and says what failed', async (name, problem) => {
    const { database, names } = aDatabase({ take_dispatches: pending(dispatches(1)), [name]: fails('no') });
    const report = await run({ database });
    expect(report.problems).toEqual([problem]);
    expect(new Set(names())).toEqual(
      new Set([
        'stale_job_health',
        'recover_stale_jobs',
        'take_dispatches',
        ...(name === 'take_dispatches' ? [] : ['mark_dispatches']),
        'record_monitor_run',
      ]),
    );
  });

  test('records that it failed, and why', async () => {
    const { database, argsOf } = aDatabase({ recover_stale_jobs: fails('no') });
    await run({ database });
    expect(argsOf('record_monitor_run')).toMatchObject([
      { succeeded: false, summary: { problems: ['recover stale jobs: no'] } },
    ]);
  });

  test('still tells of the jobs that it recovered before a later batch failed', async () => {
    const { database } = aDatabase({
      recover_stale_jobs: (_args, call) => (call === 1 ? recoveries(3) : fails('gone')()),
    });
    expect(await run({ database })).toMatchObject({ requeued: 3, problems: ['recover stale jobs: gone'] });
  });

  test('names five of the jobs that could not be recovered, and counts the others', async () => {
    const errors = (from: number) =>
      recoveries(3, from).map((row): Recovery => ({ ...row, action: 'error', error: 'out of range' }));
    const { database } = aDatabase({
      recover_stale_jobs: (_args, call) => (call <= 2 ? errors(call * 3) : []),
    });
    const { problems, requeued } = await run({ database });
    expect(requeued).toBe(0);
    expect(problems).toHaveLength(6);
    expect(problems[0]).toBe('recover job job-3: out of range');
    expect(problems[5]).toBe('recover 1 more job: errors of the same kind');
  });

  test('ends before Lambda would end it, when every call to the database waits for its deadline', async () => {
    const clock = { ms: 0 };
    const hang = () => {
      clock.ms += 10_000;
      throw new Error('no answer');
    };
    const { database } = aDatabase({
      stale_job_health: hang,
      recover_stale_jobs: hang,
      take_dispatches: hang,
      record_monitor_run: hang,
    });
    const report = await run({ database, clock });
    expect(report.problems).toHaveLength(4);
    expect(clock.ms).toBeLessThan(50_000); // the shortest timeout, of a monitor that runs each minute
  });
});

describe('the recovery of a run', () => {
  test('asks for one batch more than were full', async () => {
    const sizes = [3, 3, 2];
    const { database, argsOf } = aDatabase({ recover_stale_jobs: (_args, call) => recoveries(sizes[call - 1] ?? 0) });
    expect(await run({ database })).toMatchObject({ requeued: 8 });
    expect(argsOf('recover_stale_jobs')).toHaveLength(3);
    expect(argsOf('recover_stale_jobs')[0]).toEqual({
      threshold_minutes: 10,
      batch_limit: 3,
      run_id: RUN_ID,
      breaker_min_running: 20,
      breaker_share: 0.5,
      canary_size: 5,
      except_ids: [],
    });
  });

  test('does not ask again for a job that could not be recovered, so that it cannot starve the rest', async () => {
    const { database, argsOf } = aDatabase({
      recover_stale_jobs: (_args, call) =>
        call === 1 ? [aRecovery({ job_id: 'bad', action: 'error', error: 'no' }), ...recoveries(2)] : [],
    });
    await run({ database });
    expect(argsOf('recover_stale_jobs')[1]).toMatchObject({ except_ids: ['bad'] });
  });

  test('stops after one slice while the breaker is open, be the slice as large as a batch', async () => {
    const slice = recoveries(3).map((row) => ({ ...row, breaker_open: true }));
    const { database, argsOf } = aDatabase({ recover_stale_jobs: () => slice });
    expect(await run({ database })).toMatchObject({ requeued: 3, breakerOpen: true, problems: [] });
    expect(argsOf('recover_stale_jobs')).toHaveLength(1);
  });

  test('goes on past a slice of which no job could be recovered, or the same few would starve the rest', async () => {
    const bad = { ...aRecovery({ job_id: 'bad', action: 'error', error: 'no' }), breaker_open: true };
    const slice = recoveries(3).map((row) => ({ ...row, breaker_open: true }));
    const { database, argsOf } = aDatabase({ recover_stale_jobs: (_args, call) => (call === 1 ? [bad] : slice) });
    expect(await run({ database })).toMatchObject({ requeued: 3 });
    expect(argsOf('recover_stale_jobs')).toMatchObject([{ except_ids: [] }, { except_ids: ['bad'] }]);
  });

  test('says that the breaker is open when no job was recovered at all', async () => {
    const { database } = aDatabase({ stale_job_health: () => [aHealth({ breaker_open: true })] });
    expect(await run({ database })).toMatchObject({ requeued: 0, breakerOpen: true });
  });

  test('begins no batch when the time of the run is over', async () => {
    const clock = { ms: 0 };
    const { database, argsOf, names } = aDatabase({
      recover_stale_jobs: () => {
        clock.ms = LAMBDA_MS - 5_000;
        return recoveries(3);
      },
    });
    const report = await run({ database, clock });
    expect(argsOf('recover_stale_jobs')).toHaveLength(1);
    expect(names()).not.toContain('take_dispatches');
    expect(names()).toContain('record_monitor_run');
    expect(report).toMatchObject({ requeued: 3, problems: [] });
  });
});

describe('the sending of a run', () => {
  test('sends ten messages a call, and marks each with its lease and what SQS called it', async () => {
    const { database, argsOf } = aDatabase({ take_dispatches: pending(dispatches(11)) });
    const { queue, sent } = aQueue();
    expect(await run({ database, queue })).toMatchObject({ dispatched: 11, dispatchFailures: 0 });
    expect(sent.map(({ id }) => id).sort()).toEqual(
      dispatches(11)
        .map(({ dispatch_id }) => String(dispatch_id))
        .sort(),
    );
    const [marked] = argsOf<Marked>('mark_dispatches');
    expect(marked?.sent).toHaveLength(11);
    expect(marked?.sent).toContainEqual({ dispatch_id: 11, lease: 4, message_id: 'm11' });
  });

  test('marks page by page, so that a crash repeats no more than one', async () => {
    const { database, names } = aDatabase({ take_dispatches: pending(dispatches(201)) });
    expect(await run({ database })).toMatchObject({ dispatched: 201 });
    expect(names().slice(2, 6)).toEqual(['take_dispatches', 'mark_dispatches', 'take_dispatches', 'mark_dispatches']);
  });

  test('takes pages until one is empty: a short one may only have lost jobs that moved on', async () => {
    const pages = [dispatches(3), dispatches(2), []];
    const { database, argsOf } = aDatabase({ take_dispatches: (_args, call) => pages[call - 1] });
    expect(await run({ database })).toMatchObject({ dispatched: 5 });
    expect(argsOf('take_dispatches')).toHaveLength(3);
  });

  test('keeps what SQS refused for the next run: not asked for again in this one, marked refused at its end', async () => {
    const { database, argsOf, names } = aDatabase({ take_dispatches: pending(dispatches(201)) });
    const { queue, sent } = aQueue((id) => id === '2' || id === '5');
    const report = await run({ database, queue });
    expect(report).toMatchObject({
      dispatched: 199,
      dispatchFailures: 2,
      problems: ['send 2 messages (kept for the next run): no 2'],
    });
    expect(sent.filter(({ id }) => id === '2')).toHaveLength(1);
    const marks = argsOf<Marked>('mark_dispatches');
    expect(marks.map(({ refused }) => refused?.length ?? 0)).toEqual([0, 0, 2]);
    expect(marks[2]).toEqual({
      sent: [],
      refused: [
        { dispatch_id: 2, lease: 4, error: 'no 2' },
        { dispatch_id: 5, lease: 4, error: 'no 5' },
      ],
    });
    expect(names().at(-1)).toBe('record_monitor_run');
  });

  test('stops after a page of which SQS took nothing, and gives it back', async () => {
    const { database, argsOf } = aDatabase({ take_dispatches: pending(dispatches(400)) });
    const { queue } = aQueue(() => true);
    expect(await run({ database, queue })).toMatchObject({ dispatched: 0, dispatchFailures: 200 });
    expect(argsOf('take_dispatches')).toHaveLength(1);
    expect(argsOf<Marked>('mark_dispatches')).toMatchObject([{ sent: [], refused: { length: 200 } }]);
  });

  test('gives back what SQS refused also when a later page cannot be taken', async () => {
    const { database, argsOf } = aDatabase({
      take_dispatches: (_args, call) => (call === 1 ? dispatches(200) : fails('gone')()),
    });
    const { queue } = aQueue((id) => id === '2');
    const report = await run({ database, queue });
    expect(argsOf<Marked>('mark_dispatches')[1]).toMatchObject({ refused: [{ dispatch_id: 2 }] });
    expect(report).toMatchObject({ dispatched: 199, dispatchFailures: 1 });
    expect(report.problems).toContain('send pending messages: gone');
  });

  test('tells how many messages went out although marking them failed', async () => {
    const { database } = aDatabase({ take_dispatches: pending(dispatches(3)), mark_dispatches: fails('gone') });
    expect(await run({ database })).toMatchObject({ dispatched: 3, problems: ['send pending messages: gone'] });
  });

  test('holds what it takes no longer than the run can last', async () => {
    const clock = { ms: 40_000 };
    const { database, argsOf } = aDatabase();
    await run({ database, clock });
    const [taken] = argsOf<{ hold_seconds: number }>('take_dispatches');
    expect(taken?.hold_seconds).toBeGreaterThan(0);
    expect(taken?.hold_seconds).toBeLessThanOrEqual((LAMBDA_MS - 40_000) / 1000);
  });

  test('begins no call to SQS when the time of the run is over, but marks what was sent', async () => {
    const clock = { ms: 0 };
    const { database, argsOf, names } = aDatabase({ take_dispatches: pending(dispatches(200)) });
    const { queue, sent } = aQueue();
    const slow: Queue = {
      isFifo: false,
      sendBatch(entries) {
        clock.ms += 20_000;
        return queue.sendBatch(entries);
      },
    };
    const report = await run({ database, queue: slow, clock });
    expect(sent).toHaveLength(50);
    expect(report).toMatchObject({ dispatched: 50, dispatchFailures: 0, problems: [] });
    expect(argsOf<Marked>('mark_dispatches')).toMatchObject([{ sent: { length: 50 } }]);
    expect(names().at(-1)).toBe('record_monitor_run');
  });

  test('spreads a mass recovery over time, and nothing else', async () => {
    const { database } = aDatabase({ take_dispatches: pending(dispatches(60)) });
    const { queue, sent } = aQueue();
    await run({ database, queue, random: () => 0.9 });
    const late = sent.filter(({ delay }) => delay !== 0).map(({ id }) => Number(id));
    expect(late.sort((a, b) => a - b)).toEqual([51, 52, 53, 54, 55, 56, 57, 58, 59, 60]);
  });

  test('spreads the messages of a later page behind those of the first', async () => {
    const { database } = aDatabase({ take_dispatches: pending(dispatches(201)) });
    const { queue, sent } = aQueue();
    await run({ database, queue, random: () => 0.9 });
    expect(sent.find(({ id }) => id === '201')).toEqual({ id: '201', delay: 9 });
  });
});

describe('the report of a run', () => {
  const aReport = (different: Partial<RunReport> = {}): RunReport => ({
    health: aHealth({ stale: 2, oldest_stale_seconds: 90 }),
    requeued: 2,
    failed: 0,
    held: 0,
    dispatched: 2,
    dispatchFailures: 0,
    breakerOpen: false,
    lateCompletions: 0,
    durationMs: 12,
    problems: [],
    ...different,
  });

  function reported(report: RunReport) {
    const lines: [string, string][] = [];
    const metrics: Record<string, number> = {};
    const log = (level: string) => (text: string) => void lines.push([level, text]);
    const logger = { info: log('info'), warn: log('warn'), error: log('error') } as unknown as Logger;
    const sink = {
      addMetric(name: string, _unit: string, value: number) {
        metrics[name] = value;
      },
    };
    reportRun(report, logger, sink as unknown as Metrics);
    return { lines, metrics };
  }

  test('is one line with the number of stale jobs, and all metrics', () => {
    expect(reported(aReport())).toEqual({
      lines: [['info', 'Found 2 stale jobs']],
      metrics: {
        StaleJobsDetected: 2,
        OldestStaleAgeSeconds: 90,
        BreakerOpen: 0,
        JobsRecovered: 2,
        JobsFailed: 0,
        MessagesDispatched: 2,
        DispatchFailures: 0,
        LateCompletionsRefused: 0,
        RunDuration: 12,
        Heartbeat: 1,
        DatabaseUnavailable: 0,
      },
    });
  });

  test('says that the database could not be asked', () => {
    const { metrics } = reported(aReport({ health: undefined, problems: ['look for stale jobs: no answer'] }));
    expect(metrics).toMatchObject({ DatabaseUnavailable: 1 });
  });

  test.each([
    [0, 'No stale jobs found'],
    [1, 'Found 1 stale jobs'],
  ])('with %i stale jobs says "%s"', (stale, text) => {
    const { lines } = reported(aReport({ health: aHealth({ stale }), requeued: 0, dispatched: 0 }));
    expect(lines).toEqual([['info', text]]);
  });

  test('does not say that no job was stale when one became stale between the look and the recovery', () => {
    const { lines } = reported(aReport({ health: aHealth({ stale: 0 }), requeued: 1 }));
    expect(lines).toEqual([['info', 'Found 1 stale jobs']]);
  });

  test('says all zeros, too: silence is for a monitor that does not run', () => {
    const { metrics } = reported(aReport({ health: aHealth(), requeued: 0, dispatched: 0 }));
    expect(metrics).toMatchObject({ StaleJobsDetected: 0, OldestStaleAgeSeconds: 0, JobsRecovered: 0, Heartbeat: 1 });
  });

  test('leaves out a number that could not be read', () => {
    const { metrics } = reported(
      aReport({ health: undefined, lateCompletions: undefined, problems: ['look for stale jobs: no'] }),
    );
    for (const name of ['StaleJobsDetected', 'OldestStaleAgeSeconds', 'BreakerOpen', 'LateCompletionsRefused']) {
      expect(metrics).not.toHaveProperty(name);
    }
    expect(metrics).toMatchObject({ JobsRecovered: 2, MessagesDispatched: 2, RunDuration: 12 });
  });

  test('has no heartbeat, and is an error, when any part failed', () => {
    const { lines, metrics } = reported(aReport({ problems: ['record the run: no'] }));
    expect(metrics).not.toHaveProperty('Heartbeat');
    expect(lines).toEqual([['error', 'Found 2 stale jobs']]);
  });

  test('does not say how many jobs are stale when it could not look', () => {
    const { lines } = reported(aReport({ health: undefined, problems: ['look for stale jobs: no'] }));
    expect(lines).toEqual([['error', 'Check iteration failed']]);
  });

  test('warns of an open breaker, which is no failure of the run', () => {
    const { lines, metrics } = reported(aReport({ breakerOpen: true }));
    expect(lines).toEqual([['warn', 'Found 2 stale jobs; outage suspected, only a few were recovered']]);
    expect(metrics).toMatchObject({ BreakerOpen: 1, Heartbeat: 1 });
  });

  test('warns of an open breaker that only the recovery saw', () => {
    const { metrics } = reported(aReport({ health: undefined, breakerOpen: true, problems: ['no'] }));
    expect(metrics).toMatchObject({ BreakerOpen: 1 });
  });
});
