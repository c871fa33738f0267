import { describeDuration } from '../shared/duration.ts';
import type { Health, MonitorName } from './body.ts';
import { isOutdated, judgeMonitor, UNKNOWN_MONITOR } from './monitor-state.ts';
import type { SystemHealth } from './system-health.ts';

export interface Facts {
  /** Undefined when the database did not give one. */
  readonly answer: SystemHealth | undefined;
  /** From the question to the answer, or to the end of the waiting for one. */
  readonly latencyMs: number;
  readonly uptimeSeconds: number;
  readonly thresholdMinutes: number;
  readonly periodMinutes: Readonly<Record<MonitorName, number>>;
  readonly now: Date;
}

/** The database ends the question itself after 1.9 s, and the function stops waiting after 2 s. */
const NO_ANSWER_MS = 1_900;

/** 503 when the database is away, for then nothing works; 200 with reasons when something else needs a person. */
export function judge(facts: Facts): { readonly status: 200 | 503; readonly body: Health } {
  return facts.answer
    ? { status: 200, body: judgeAnswer(facts, facts.answer) }
    : { status: 503, body: unhealthy(facts) };
}

function judgeAnswer(facts: Facts, answer: SystemHealth): Health {
  const { latencyMs, periodMinutes } = facts;
  const { reason: workersReason, ...services } = judgeWork(answer, facts.thresholdMinutes);
  const dlq = judgeDeadLetters(answer, periodMinutes['dlq-monitor']);
  const stale = monitorOf('stale-job-monitor', answer, periodMinutes);
  const dead = monitorOf('dlq-monitor', answer, periodMinutes);
  const reasons = [
    workersReason,
    staleReason(answer.stale_jobs, facts.thresholdMinutes),
    deadLettersReason(dlq.count, answer.seconds_since_dead_letters),
    stale.reason,
    dead.reason,
  ].filter((reason) => typeof reason === 'string');
  return {
    status: reasons.length > 0 ? 'degraded' : 'healthy',
    ...frame(facts),
    reasons,
    services: {
      database: { status: 'up', latency: latencyMs },
      ...services,
      dlq,
      monitors: { 'stale-job-monitor': stale.health, 'dlq-monitor': dead.health },
    },
    metrics: {
      jobs_pending: answer.jobs_pending,
      jobs_in_progress: answer.jobs_in_progress,
      jobs_completed_today: answer.jobs_completed_today,
      jobs_failed_today: answer.jobs_failed_today,
    },
  };
}

/**
 * An idle worker need not beat, and a new job waits for a moment: only work that has waited for longer than the threshold
 * while nothing shows life is wrong. A job in progress that is not stale is a sign of life, too. A backlog that live
 * workers are at is no fault.
 */
function judgeWork(answer: SystemHealth, thresholdMinutes: number) {
  const { workers_active: active, stale_jobs: stale, jobs_in_progress: inProgress } = answer;
  const waited = answer.oldest_pending_seconds;
  const tooLong = waited !== null && waited > thresholdMinutes * 60 ? describeDuration(waited * 1_000) : undefined;
  const isAlive = active > 0 || inProgress > stale;
  const reason =
    tooLong && !isAlive
      ? `Work has waited for ${tooLong} and no worker is alive: none was heard of in the last ${thresholdMinutes} min.`
      : undefined;
  const status = isAlive ? ('up' as const) : reason ? ('down' as const) : ('idle' as const);
  return {
    workers: { status, active_count: active, stale_count: stale },
    queue: { status: tooLong ? ('waiting' as const) : ('up' as const), oldest_waiting_seconds: waited },
    reason,
  };
}

/** A count that is too old is none: the dead letters may be gone since, or many more. */
function judgeDeadLetters(answer: SystemHealth, periodMinutes: number): Health['services']['dlq'] {
  const { dead_letters: count, seconds_since_dead_letters: age } = answer;
  if (count === null || age === null || isOutdated(age, periodMinutes)) return { status: 'unknown', count: null };
  return { status: count > 0 ? 'dead_letters' : 'empty', count };
}

/** The count is as old as the dlq-monitor's last look: who has just redriven them should not wonder. */
function deadLettersReason(count: number | null, ageSeconds: number | null): string | undefined {
  if (!count || ageSeconds === null) return undefined;
  const letters = count === 1 ? '1 dead letter was' : `${count} dead letters were`;
  return `${letters} in the dead-letter queue when the dlq-monitor last looked, ${describeDuration(ageSeconds * 1_000)} ago.`;
}

function staleReason(stale: number, thresholdMinutes: number): string | undefined {
  if (stale === 0) return undefined;
  const jobs = stale === 1 ? '1 job is' : `${stale} jobs are`;
  return `${jobs} stale: in progress without a sign of life for ${thresholdMinutes} min, or what the job's policy says.`;
}

function monitorOf(name: MonitorName, answer: SystemHealth, periods: Facts['periodMinutes']) {
  const runs = answer.monitors.find(({ monitor }) => monitor === name);
  const { reason, ...health } = judgeMonitor(name, runs, periods[name]);
  return { reason, health };
}

/** Of what only the database knows, nothing is known: not that the workers are well, nor that they are not. */
function unhealthy(facts: Facts): Health {
  const { latencyMs } = facts;
  return {
    status: 'unhealthy',
    ...frame(facts),
    reasons: [
      latencyMs >= NO_ANSWER_MS
        ? // Its key may be what did not come: only the log knows.
          'No answer of the database came within 2 s; the log of the health function says why.'
        : 'The database cannot be read; the log of the health function says why.',
    ],
    services: {
      database: { status: 'down', latency: latencyMs },
      workers: { status: 'unknown', active_count: null, stale_count: null },
      queue: { status: 'unknown', oldest_waiting_seconds: null },
      dlq: { status: 'unknown', count: null },
      monitors: { 'stale-job-monitor': UNKNOWN_MONITOR, 'dlq-monitor': UNKNOWN_MONITOR },
    },
    metrics: { jobs_pending: null, jobs_in_progress: null, jobs_completed_today: null, jobs_failed_today: null },
  };
}

function frame({ now, uptimeSeconds }: Facts) {
  return { timestamp: now.toISOString(), uptime: Math.floor(uptimeSeconds) };
}
