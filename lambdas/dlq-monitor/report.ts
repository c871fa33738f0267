import type { Logger } from '@aws-lambda-powertools/logger';
import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { totalOf } from './depth.ts';
import { METRICS } from './env.ts';
import type { RunReport } from './run.ts';

/** One log line and the metrics of a run. A number that could not be read is left out, never reported as 0. */
export function reportRun(report: RunReport, logger: Logger, metrics: Metrics): void {
  if (report.isSkipped) {
    logger.info('Another run is at work: nothing to do');
    return;
  }
  const { depth, newCount, oldestExpirySeconds, said, alertsFailed, problems } = report;
  const total = depth && totalOf(depth);
  const text = total === 0 ? 'No dead letters found' : `Found ${total} dead letters`;
  if (problems.length > 0) logger.error(text, { ...report });
  else logger.info(text, { ...report });

  const { Count, Seconds } = MetricUnit;
  if (total !== undefined) metrics.addMetric(METRICS.depth, Count, total);
  if (newCount !== undefined) metrics.addMetric(METRICS.fresh, Count, newCount);
  if (oldestExpirySeconds !== undefined) metrics.addMetric(METRICS.oldestExpiry, Seconds, oldestExpirySeconds);
  metrics.addMetric(METRICS.sent, Count, said ? 1 : 0);
  metrics.addMetric(METRICS.failed, Count, alertsFailed);
  if (problems.length === 0) metrics.addMetric(METRICS.heartbeat, Count, 1);
}
