import { describeDuration } from '../../lambdas/shared/duration.ts';
import type { Monitor } from '../monitors.ts';
import { printable } from '../printable.ts';
import type { Alarm, QueueDepth, Status } from './look.ts';
import { isWell } from './look.ts';

const LABEL_WIDTH = 20;

/** The whole system on one screen: first whether all is well, then why. */
export function statusScreen(status: Status): string {
  const { stage, region, at, api, jobs, monitors, queue, dead_letter_queue: dlq, alarms, unknown } = status;
  const now = new Date(at);
  const problemOf = (part: string) => unknown.find((one) => one.part === part)?.problem;
  const line = (label: string, text: string | undefined, part: string) =>
    `${label.padEnd(LABEL_WIDTH)}${printable(text ?? `not known: ${problemOf(part)}`)}`;
  return [
    `Queuekeeper ${stage} (${region}), ${at.slice(0, 16).replace('T', ' ')} UTC: ${isWell(status) ? 'all well' : 'look here'}`,
    '',
    line('Health', api ? `${api.status}, answered in ${api.latency_ms} ms` : undefined, 'API'),
    ...(api?.reasons ?? []).map((reason) => `${''.padEnd(LABEL_WIDTH)}- ${printable(reason)}`),
    line('Jobs', jobs ? jobsText(jobs) : undefined, 'database'),
    line('Stale jobs', jobs ? String(jobs.stale_jobs) : undefined, 'database'),
    line('Active workers', jobs ? String(jobs.workers_active) : undefined, 'database'),
    line('Job queue', queue ? depthText(queue) : undefined, 'job queue'),
    line('Dead letters', dlq ? depthText(dlq) : undefined, 'dead-letter queue'),
    ...(monitors ? monitors.map(monitorText) : [line('Monitors', undefined, 'database')]),
    line('Alarms', alarms ? alarmsText(alarms) : undefined, 'alarms'),
    ...(alarms ?? []).filter(({ state }) => state === 'ALARM').map((alarm) => ringing(alarm, now)),
  ].join('\n');
}

function jobsText(jobs: NonNullable<Status['jobs']>): string {
  const oldest = jobs.oldest_pending_seconds;
  const waiting = oldest == null ? '' : ` (the oldest for ${describeDuration(oldest * 1_000)})`;
  return [
    `${jobs.jobs_pending} pending${waiting}`,
    `${jobs.jobs_in_progress} in progress`,
    `today ${jobs.jobs_completed_today} completed, ${jobs.jobs_failed_today} failed`,
  ].join(' · ');
}

function depthText({ name, visible, inFlight, delayed }: QueueDepth): string {
  return `${visible} waiting, ${inFlight} in flight, ${delayed} delayed · ${name}`;
}

function monitorText({ monitor, status, reason, seconds_since_success: seconds }: Monitor): string {
  const text = reason ?? `ran well ${describeDuration((seconds ?? 0) * 1_000)} ago`;
  return `${monitor.padEnd(LABEL_WIDTH)}${status}: ${printable(text)}`;
}

function alarmsText(alarms: readonly Alarm[]): string {
  const count = (state: string) => alarms.filter((alarm) => alarm.state === state).length;
  const waiting = count('INSUFFICIENT_DATA');
  return `${count('ALARM')} in alarm, ${count('OK')} OK${waiting > 0 ? `, ${waiting} without data yet` : ''}`;
}

function ringing({ name, since, description }: Alarm, now: Date): string {
  const age = since ? ` for ${describeDuration(now.getTime() - Date.parse(since))}` : '';
  return `  🔴 ${printable(name)}${age}: ${printable(description)}`;
}
