import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS } from './env.ts';
import type { RunReport } from './run.ts';

/** One log line and the metrics of a run. A number that could not be read is left out, never reported as 0. */
export function reportRun(report: RunReport, logger: Logger, metrics: Metrics): void {
  // A job may become stale between the look and the recovery.
  const found = Math.max(report.health?.stale ?? 0, report.requeued + report.failed + report.held);
  const text = found === 0 ? 'No stale jobs found' : `Found ${found} stale jobs`;
  if (report.problems.length > 0) logger.error(report.health ? text : 'Check iteration failed', { ...report });
  else if (report.breakerOpen) logger.warn(`${text}; outage suspected, only a few were recovered`, { ...report });
  else logger.info(text, { ...report });

  const { Count, Seconds, Milliseconds } = MetricUnit;
  if (report.health) {
    metrics.addMetric(METRICS.detected, Count, report.health.stale);
    metrics.addMetric(METRICS.oldestStaleAge, Seconds, report.health.oldest_stale_seconds);
  }
  if (report.health || report.breakerOpen) metrics.addMetric(METRICS.breakerOpen, Count, report.breakerOpen ? 1 : 0);
  metrics.addMetric(METRICS.databaseUnavailable, Count, report.health ? 0 : 1);
  metrics.addMetric(METRICS.recovered, Count, report.requeued);
  metrics.addMetric(METRICS.failed, Count, report.failed);
  metrics.addMetric(METRICS.dispatched, Count, report.dispatched);
  metrics.addMetric(METRICS.dispatchFailures, Count, report.dispatchFailures);
  if (report.lateCompletions !== undefined) metrics.addMetric(METRICS.lateCompletions, Count, report.lateCompletions);
  metrics.addMetric(METRICS.duration, Milliseconds, report.durationMs);
  if (report.problems.length === 0) metrics.addMetric(METRICS.heartbeat, Count, 1);
}
