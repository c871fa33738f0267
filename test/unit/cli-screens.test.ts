import { describe, expect, test } from '@jest/globals';
import { followRedrive } from '../../cli/dead-letters/follow-redrive.ts';
import { lettersText } from '../../cli/dead-letters/open-letters.ts';
import { explainError } from '../../cli/explain-error.ts';
import type { Monitor } from '../../cli/monitors.ts';
import { recoveriesText } from '../../cli/stale/recovery-text.ts';
import { staleJobsText } from '../../cli/stale/stale-job.ts';
import { isWell, type Status } from '../../cli/status/look.ts';
import { statusScreen } from '../../cli/status/screen.ts';

const NOW = new Date('2026-11-24T18:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();

function aMonitor(changes: Partial<Monitor> = {}): Monitor {
  return { monitor: 'dlq-monitor', status: 'up', seconds_since_success: 200, is_failing: false, ...changes };
}

function aStatus(changes: Partial<Status> = {}): Status {
  return {
    stage: 'prod',
    region: 'us-east-1',
    at: NOW.toISOString(),
    api: { status: 'healthy', reasons: [], latency_ms: 45 },
    jobs: {
      jobs_pending: 12,
      jobs_in_progress: 4,
      jobs_completed_today: 120,
      jobs_failed_today: 1,
      workers_active: 2,
      stale_jobs: 0,
      oldest_pending_seconds: 180,
      dead_letters: 0,
      seconds_since_dead_letters: 200,
    },
    monitors: [aMonitor({ monitor: 'stale-job-monitor' }), aMonitor()],
    queue: { name: 'queuekeeper-prod-jobs', visible: 12, inFlight: 4, delayed: 0 },
    dead_letter_queue: { name: 'queuekeeper-prod-dead-letters', visible: 0, inFlight: 0, delayed: 0 },
    alarms: [{ name: 'queuekeeper-prod-stale-jobs', state: 'OK', since: null, description: 'Jobs lost their worker.' }],
    unknown: [],
    ...changes,
  };
}

describe('the status', () => {
  test('of a well system says so first, on one screen', () => {
    const screen = statusScreen(aStatus());
    expect(screen.split('\n').slice(0, 4)).toEqual([
      'Queuekeeper prod (us-east-1), 2026-11-24 18:00 UTC: all well',
      '',
      'Health              healthy, answered in 45 ms',
      'Jobs                12 pending (the oldest for 3 min) · 4 in progress · today 120 completed, 1 failed',
    ]);
    expect(screen).toContain('dlq-monitor         up: ran well 3 min ago');
    expect(screen.split('\n').length).toBeLessThan(24);
  });

  const ringing = {
    name: 'queuekeeper-prod-stale-jobs',
    state: 'ALARM',
    since: minutesAgo(12),
    description: 'Why \u001b[2J',
  };
  test.each<[string, Partial<Status>, string]>([
    ['an alarm', { alarms: [ringing] }, '🔴 queuekeeper-prod-stale-jobs for 12 min: Why \\x1b[2J'],
    ['bad health', { api: { status: 'degraded', reasons: ['2 stale jobs'], latency_ms: 9 } }, '- 2 stale jobs'],
    [
      'a dead letter that nobody has looked at yet',
      { dead_letter_queue: { name: 'queuekeeper-prod-dead-letters', visible: 0, inFlight: 1, delayed: 0 } },
      'Dead letters        0 waiting, 1 in flight',
    ],
    [
      'a late monitor',
      { monitors: [aMonitor({ status: 'late', reason: 'dlq-monitor last ran well 15 min ago.' })] },
      'late: dlq-monitor last ran well 15 min ago.',
    ],
    [
      'a part that does not answer',
      { jobs: null, monitors: null, unknown: [{ part: 'database', problem: 'no answer' }] },
      'Stale jobs          not known: no answer',
    ],
  ])('with %s is not well, and shows it', (_what, changes, text) => {
    expect(isWell(aStatus(changes))).toBe(false);
    expect(statusScreen(aStatus(changes))).toContain(': look here');
    expect(statusScreen(aStatus(changes))).toContain(text);
  });

  test('is well while an alarm has no data yet', () => {
    const alarms = [{ name: 'a', state: 'INSUFFICIENT_DATA', since: null, description: '' }];
    expect(isWell(aStatus({ alarms }))).toBe(true);
    expect(statusScreen(aStatus({ alarms }))).toContain('0 in alarm, 0 OK, 1 without data yet');
  });
});

describe('the stale jobs', () => {
  const job = {
    id: 'j-1',
    customer_id: 'acme\u001b[2J',
    job_type: null,
    worker_id: 'w-1',
    reason: 'heartbeat_lost',
    stale_since: minutesAgo(90),
    recoveries: 1,
    held_at: null,
  };
  test('are a table, and those beyond it a number', () => {
    expect(
      staleJobsText({ stale: 3, jobs: [job] }, NOW)
        .split('\n')
        .slice(1),
    ).toEqual(['j-1  acme\\x1b[2J  –     w-1     1 h 30 min  heartbeat_lost  1', '… and 2 more']);
    expect(staleJobsText({ stale: 0, jobs: [] }, NOW)).toBe('No stale jobs.');
  });

  const recovery = { job_id: 'j-1', customer_id: null, reason: 'no_heartbeat', error: null, recoveries: 1 };
  test('have a plan and a report in words, and an outage is told', () => {
    const rows = [{ ...recovery, action: 'requeue' as const, breaker_open: true }];
    expect(recoveriesText(rows, 'plan')).toMatch(/WOULD\n.*put back to work\n\nMost of the running jobs/);
    const failed = [{ ...recovery, action: 'error' as const, error: 'check violated', breaker_open: false }];
    expect(recoveriesText(failed, 'done')).toContain('could not be recovered: check violated');
    expect(recoveriesText([], 'plan')).toBe('No stale jobs to recover.');
  });
});

describe('the dead letters', () => {
  const letter = {
    message_id: 'm-1',
    job_id: null,
    customer_id: null,
    job_type: null,
    reason: 'timeout',
    receive_count: 5,
    sent_at: minutesAgo(60),
    expires_at: minutesAgo(-120),
  };
  test('on record are a table, with what SQS counts below it', () => {
    const text = lettersText({ queue: 'dlq', in_queue: 1, dead_letters: [letter] }, NOW, 200);
    expect(text).toMatch(/m-1 {6}–.*5 {9}1 h {2}2 h {9}timeout\n\n1 in dlq, as SQS counts; 1 recorded\.$/);
  });
  test('that are not recorded are told of, and how to record them', () => {
    const text = lettersText({ queue: 'dlq', in_queue: 3, dead_letters: [letter] }, NOW, 200);
    expect(text).toContain('not recorded yet: npx queuekeeper dlq record');
    expect(lettersText({ queue: 'dlq', in_queue: 0, dead_letters: [] }, NOW, 200)).toBe('No dead letters in dlq.');
  });
});

describe('following a redrive', () => {
  const redriveOf = (...tasks: { status: string; moved: number; failure?: string }[]) => ({
    look: async () => ({ visible: 0, task: tasks.length > 1 ? tasks.shift() : tasks[0] }),
  });
  const signal = new AbortController().signal;
  const tell = () => {};

  test('ends when the redrive does, with what SQS says of it', async () => {
    const redrive = redriveOf({ status: 'RUNNING', moved: 1 }, { status: 'FAILED', moved: 2, failure: 'no source' });
    expect(await followRedrive({ redrive, tell, signal, lookEveryMs: 1 })).toEqual({
      status: 'FAILED',
      moved: 2,
      failure: 'no source',
    });
  });

  test('ends at Ctrl-C while the redrive goes on', async () => {
    const controller = new AbortController();
    const redrive = redriveOf({ status: 'RUNNING', moved: 7 });
    const following = followRedrive({ redrive, tell, signal: controller.signal, lookEveryMs: 60_000 });
    setTimeout(() => controller.abort(), 5);
    expect(await following).toMatchObject({ status: 'RUNNING', moved: 7 });
  });
});

describe('an error', () => {
  test('is told in one line with its causes, and with what to do where that is known', () => {
    const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    const error = new TypeError('fetch failed', { cause: refused });
    expect(explainError(error)).toBe(
      'fetch failed: ECONNREFUSED (nothing listens there; with --local, start the system: npm run local)',
    );
  });

  test('of AWS without credentials says how to get some', () => {
    const error = Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
    expect(explainError(error)).toContain('(no AWS credentials: set AWS_PROFILE');
  });
});
