import { describeDuration } from '../shared/duration.ts';
import type { MonitorHealth } from './body.ts';
import type { MonitorRuns } from './system-health.ts';

/** One missed run is made up by the next, and a run itself takes its time. */
const PERIODS_UNTIL_LATE = 2;
const GRACE_SECONDS = 60;
/** A monitor that missed so many does not come back by itself. */
const PERIODS_UNTIL_DOWN = 5;

export const UNKNOWN_MONITOR: MonitorHealth = { status: 'unknown', last_run: null, last_success: null };

/**
 * Judges a monitor by the time since a run of it succeeded, with the reason where that is not well.
 * One that has never run is late and not down: the stack may have been deployed a moment ago.
 */
export function judgeMonitor(
  name: string,
  runs: MonitorRuns | undefined,
  periodMinutes: number,
): MonitorHealth & { readonly reason?: string } {
  const { last_run = null, last_success = null, seconds_since_success = null } = runs ?? {};
  const known = { last_run: iso(last_run), last_success: iso(last_success) };
  const rhythm = `it runs every ${periodMinutes} min`;
  if (!runs || last_run === null) return { status: 'late', ...known, reason: `${name} has not run yet; ${rhythm}.` };
  if (seconds_since_success === null) {
    return { status: 'down', ...known, reason: `${name} has run, but no run has succeeded yet; ${rhythm}.` };
  }
  const periodSeconds = periodMinutes * 60;
  if (seconds_since_success <= PERIODS_UNTIL_LATE * periodSeconds + GRACE_SECONDS) return { status: 'up', ...known };
  const status = seconds_since_success <= PERIODS_UNTIL_DOWN * periodSeconds ? 'late' : 'down';
  const since = describeDuration(seconds_since_success * 1_000);
  const failing = last_run === last_success ? '' : ' Its runs since then have failed.';
  return { status, ...known, reason: `${name} last ran well ${since} ago; ${rhythm}.${failing}` };
}

/** Whether what a monitor reported so long ago is still worth telling. */
export function isOutdated(ageSeconds: number, periodMinutes: number): boolean {
  return ageSeconds > PERIODS_UNTIL_DOWN * periodMinutes * 60;
}

function iso(time: string | null): string | null {
  return time && new Date(time).toISOString();
}
