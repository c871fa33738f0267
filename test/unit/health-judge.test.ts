import { describe, expect, test } from '@jest/globals';
import { answerHealth } from '../../lambdas/health/answer.ts';
import type { Health } from '../../lambdas/health/body.ts';
import { type Facts, judge } from '../../lambdas/health/judge.ts';
import { measure } from '../../lambdas/health/measure.ts';
import type { MonitorRuns, SystemHealth } from '../../lambdas/health/system-health.ts';
import type { Database } from '../../lambdas/shared/database.ts';

const NOW = new Date('2026-11-24T15:00:00.000Z');

/** Runs that ended so long ago; null for never. */
function runsOf(monitor: string, sinceSuccess: number | null, sinceRun: number | null = sinceSuccess): MonitorRuns {
  const at = (seconds: number | null) =>
    seconds === null ? null : new Date(NOW.getTime() - seconds * 1_000).toISOString().replace('Z', '+00:00');
  return {
    monitor,
    last_run: at(sinceRun),
    last_success: at(sinceSuccess),
    seconds_since_run: sinceRun,
    seconds_since_success: sinceSuccess,
  };
}

const anAnswer = (different: Partial<SystemHealth> = {}): SystemHealth => ({
  jobs_pending: 2,
  jobs_in_progress: 3,
  jobs_completed_today: 40,
  jobs_failed_today: 1,
  workers_active: 3,
  stale_jobs: 0,
  oldest_pending_seconds: 4,
  dead_letters: 0,
  seconds_since_dead_letters: 100,
  monitors: [runsOf('stale-job-monitor', 60), runsOf('dlq-monitor', 100)],
  ...different,
});

const FACTS = {
  latencyMs: 12,
  uptimeSeconds: 99.9,
  thresholdMinutes: 10,
  periodMinutes: { 'stale-job-monitor': 2, 'dlq-monitor': 5 },
  now: NOW,
} as const;
const judged = (answer: Partial<SystemHealth> | undefined, facts: Partial<Facts> = {}) =>
  judge({ ...FACTS, answer: answer && anAnswer(answer), ...facts });

describe('a well system', () => {
  test('is healthy, with its numbers and no reasons', () => {
    expect(judged({})).toEqual({
      status: 200,
      body: {
        status: 'healthy',
        timestamp: '2026-11-24T15:00:00.000Z',
        uptime: 99,
        reasons: [],
        services: {
          database: { status: 'up', latency: 12 },
          workers: { status: 'up', active_count: 3, stale_count: 0 },
          queue: { status: 'up', oldest_waiting_seconds: 4 },
          dlq: { status: 'empty', count: 0 },
          monitors: {
            'stale-job-monitor': {
              status: 'up',
              last_run: '2026-11-24T14:59:00.000Z',
              last_success: '2026-11-24T14:59:00.000Z',
            },
            'dlq-monitor': {
              status: 'up',
              last_run: '2026-11-24T14:58:20.000Z',
              last_success: '2026-11-24T14:58:20.000Z',
            },
          },
        },
        metrics: { jobs_pending: 2, jobs_in_progress: 3, jobs_completed_today: 40, jobs_failed_today: 1 },
      },
    });
  });

  test('may have no workers while nothing waits', () => {
    const { body } = judged({ workers_active: 0, jobs_in_progress: 0, jobs_pending: 0, oldest_pending_seconds: null });
    expect(body).toMatchObject({ status: 'healthy', services: { workers: { status: 'idle' } } });
  });
});

describe('without an answer of the database', () => {
  test.each([
    { latencyMs: 1_899, reason: 'The database cannot be read; the log of the health function says why.' },
    { latencyMs: 1_900, reason: 'No answer of the database came within 2 s; the log of the health function says why.' },
  ])('it is unhealthy after $latencyMs ms: $reason', ({ latencyMs, reason }) => {
    const { status, body } = judged(undefined, { latencyMs });
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'unhealthy',
      reasons: [reason],
      services: { database: { status: 'down', latency: latencyMs } },
    });
  });

  test('nothing is claimed of what only the database knows', () => {
    const { services, metrics } = judged(undefined).body;
    expect(services).toMatchObject({
      workers: { status: 'unknown', active_count: null, stale_count: null },
      queue: { status: 'unknown', oldest_waiting_seconds: null },
      dlq: { status: 'unknown', count: null },
      monitors: { 'stale-job-monitor': { status: 'unknown' }, 'dlq-monitor': { status: 'unknown' } },
    });
    expect(Object.values(metrics)).toEqual([null, null, null, null]);
  });
});

describe('stale jobs and dead letters', () => {
  test.each([
    [
      { stale_jobs: 1 },
      "1 job is stale: in progress without a sign of life for 10 min, or what the job's policy says.",
    ],
    [
      { stale_jobs: 3 },
      "3 jobs are stale: in progress without a sign of life for 10 min, or what the job's policy says.",
    ],
    [
      { dead_letters: 1, seconds_since_dead_letters: 61 },
      '1 dead letter was in the dead-letter queue when the dlq-monitor last looked, 1 min ago.',
    ],
    [
      { dead_letters: 25, seconds_since_dead_letters: 0 },
      '25 dead letters were in the dead-letter queue when the dlq-monitor last looked, 0 s ago.',
    ],
  ])('%j degrade it', (answer, reason) => {
    expect(judged(answer)).toMatchObject({ status: 200, body: { status: 'degraded', reasons: [reason] } });
  });

  test('are both told', () => {
    const { reasons, services } = judged({ stale_jobs: 2, dead_letters: 4 }).body;
    expect(reasons).toHaveLength(2);
    expect(services).toMatchObject({ workers: { stale_count: 2 }, dlq: { status: 'dead_letters', count: 4 } });
  });

  test.each([
    { age: 1_500, dlq: { status: 'dead_letters', count: 4 } },
    { age: 1_501, dlq: { status: 'unknown', count: null } },
    { age: null, dlq: { status: 'unknown', count: null } },
  ])('that were counted $age s ago by a monitor of 5 minutes are $dlq.status', ({ age, dlq }) => {
    const { services } = judged({ dead_letters: age && 4, seconds_since_dead_letters: age }).body;
    expect(services.dlq).toEqual(dlq);
  });
});

describe('work that waits', () => {
  const nobody = { workers_active: 0, jobs_in_progress: 0 };

  test.each([
    { waited: 600, workers: 'idle', status: 'healthy', queue: 'up' },
    { waited: 601, workers: 'down', status: 'degraded', queue: 'waiting' },
  ])('for $waited s without a worker is $status at a threshold of 10 minutes', ({ waited, workers, status, queue }) => {
    const { body } = judged({ ...nobody, oldest_pending_seconds: waited });
    expect(body).toMatchObject({ status, services: { workers: { status: workers }, queue: { status: queue } } });
  });

  test('says for how long, and how long nobody was heard of', () => {
    expect(judged({ ...nobody, oldest_pending_seconds: 7_500 }).body.reasons).toEqual([
      'Work has waited for 2 h 5 min and no worker is alive: none was heard of in the last 10 min.',
    ]);
  });

  test.each<[string, Partial<SystemHealth>, Health['status']]>([
    ['a worker is alive', { workers_active: 1, jobs_in_progress: 0 }, 'healthy'],
    ['a job in progress is not stale', { workers_active: 0, jobs_in_progress: 1 }, 'healthy'],
    ['all jobs in progress are stale', { workers_active: 0, jobs_in_progress: 1, stale_jobs: 1 }, 'degraded'],
  ])('while %s: %j is %s', (_what, answer, status) => {
    const { body } = judged({ oldest_pending_seconds: 3_600, ...answer });
    expect(body.status).toBe(status);
    expect(body.services.workers.status).toBe(status === 'healthy' ? 'up' : 'down');
    expect(body.services.queue.status).toBe('waiting');
  });
});

describe('a monitor that runs every 2 minutes', () => {
  const stateOf = (sinceSuccess: number | null, sinceRun?: number | null) => {
    const { body } = judged({
      monitors: [runsOf('stale-job-monitor', sinceSuccess, sinceRun), runsOf('dlq-monitor', 9)],
    });
    return { health: body.status, ...body.services.monitors['stale-job-monitor'], reasons: body.reasons };
  };

  test.each([
    { since: 0, status: 'up', health: 'healthy' },
    { since: 300, status: 'up', health: 'healthy' },
    { since: 301, status: 'late', health: 'degraded' },
    { since: 600, status: 'late', health: 'degraded' },
    { since: 601, status: 'down', health: 'degraded' },
  ])('is $status $since s after its last success', ({ since, status, health }) => {
    expect(stateOf(since)).toMatchObject({ status, health });
  });

  test('and has stopped is told with its times', () => {
    expect(stateOf(420).reasons).toEqual(['stale-job-monitor last ran well 7 min ago; it runs every 2 min.']);
  });

  test('and runs, but fails, is judged by its last success, and that is said', () => {
    expect(stateOf(660, 60)).toMatchObject({
      status: 'down',
      last_run: '2026-11-24T14:59:00.000Z',
      last_success: '2026-11-24T14:49:00.000Z',
      reasons: ['stale-job-monitor last ran well 11 min ago; it runs every 2 min. Its runs since then have failed.'],
    });
  });

  test('and has only ever failed is down', () => {
    expect(stateOf(null, 60)).toMatchObject({
      status: 'down',
      reasons: ['stale-job-monitor has run, but no run has succeeded yet; it runs every 2 min.'],
    });
  });

  test('and has never run is late, for the stack may have been deployed a moment ago', () => {
    const expected = {
      status: 'late',
      last_run: null,
      last_success: null,
      health: 'degraded',
      reasons: ['stale-job-monitor has not run yet; it runs every 2 min.'],
    };
    expect(stateOf(null)).toEqual(expected);
  });
});

describe('the answer', () => {
  const DATABASE_TEXT = 'system_health: HTTP 401: JWT of project abcdef expired';
  const options = {
    thresholdMinutes: 7,
    periodMinutes: FACTS.periodMinutes,
    uptimeSeconds: () => 5,
  };

  test('comes from one call with the threshold of the stack, and measures it', async () => {
    const calls: unknown[] = [];
    let ms = NOW.getTime();
    const database: Database = {
      async call<T>(...args: unknown[]) {
        calls.push(args);
        ms += 34;
        return anAnswer() as T;
      },
    };
    const { status, body } = await answerHealth({ ...options, database, now: () => new Date(ms) });
    expect(calls).toEqual([['system_health', { threshold_minutes: 7 }]]);
    expect({ status, body }).toMatchObject({ status: 200, body: { services: { database: { latency: 34 } } } });
  });

  test('says nothing of what the database said when it refused, and hands it to the log', async () => {
    const database: Database = {
      call: async () => {
        throw new Error(DATABASE_TEXT);
      },
    };
    const { status, body, fault } = await answerHealth({ ...options, database, now: () => NOW });
    expect(status).toBe(503);
    expect(JSON.stringify(body)).not.toContain('JWT');
    expect(fault?.message).toBe(DATABASE_TEXT);
  });
});

test.each([
  ['healthy', [0, 0]],
  ['degraded', [0, 1]],
  ['unhealthy', [1, 0]],
  [429, undefined],
])('an answer of status %s counts as unhealthy and degraded %j', (status, values) => {
  const counted = values && [
    ['Unhealthy', values[0]],
    ['Degraded', values[1]],
  ];
  expect(measure({ body: JSON.stringify({ status }) })).toEqual(counted ?? []);
});
