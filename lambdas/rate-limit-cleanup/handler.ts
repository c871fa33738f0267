import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import { connectDatabase } from '../shared/database.ts';
import { readEnvironment } from '../shared/environment.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { telemetry } from '../shared/telemetry.ts';
import { type CleanReport, cleanRecords } from './clean.ts';
import { environment, METRICS, SERVICE } from './env.ts';

/** A batch of 10,000 may take longer than the usual call; the function in the database ends it after 20 s. */
const CALL_TIMEOUT_MS = 22_000;

const env = readEnvironment(process.env, environment);
const { logger, metrics } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));

/** Deletes the records of requests that no rate limit needs any more. */
export async function handler(_event: unknown, context: Context): Promise<CleanReport> {
  logger.addContext(context);
  const key = await secrets.read(env.SUPABASE_SERVICE_KEY_PARAMETER);
  const report = await cleanRecords({
    database: connectDatabase({ url: env.SUPABASE_URL, key, timeoutMs: CALL_TIMEOUT_MS }),
    olderThanHours: env.RATE_LIMIT_RETENTION_HOURS,
    remainingMs: () => context.getRemainingTimeInMillis(),
  });
  logger.info(`Deleted ${report.deleted} records of requests`, { ...report });
  metrics.addMetric(METRICS.deleted, MetricUnit.Count, report.deleted);
  metrics.publishStoredMetrics();
  return report;
}
