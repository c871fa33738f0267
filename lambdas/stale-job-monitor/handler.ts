import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { connectDatabase } from '../shared/database.ts';
import { readEnvironment } from '../shared/environment.ts';
import { connectQueue } from '../shared/queue.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { telemetry } from '../shared/telemetry.ts';
import { environment, SERVICE } from './env.ts';
import { reportRun } from './report.ts';
import { type RunReport, runMonitor } from './run.ts';

const env = readEnvironment(process.env, environment);
const { logger, metrics } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));
const queue = connectQueue(new SQSClient({}), env.SQS_QUEUE_URL);

/** One run of the stale-job monitor. Throws at the end when any part failed, so that Lambda's own alarm speaks. */
export async function handler(_event: unknown, context: Context): Promise<RunReport> {
  logger.addContext(context);
  logger.info('Starting check iteration');
  try {
    const key = await secrets.read(env.SUPABASE_SERVICE_KEY_PARAMETER);
    const report = await runMonitor({
      database: connectDatabase({ url: env.SUPABASE_URL, key }),
      queue,
      settings: {
        thresholdMinutes: env.STALE_THRESHOLD_MINUTES,
        batchSize: env.RECOVERY_BATCH_SIZE,
        breakerMinRunning: env.BREAKER_MIN_RUNNING,
        breakerShare: env.BREAKER_SHARE,
        canarySize: env.CANARY_SIZE,
      },
      runId: crypto.randomUUID(),
      now: () => new Date(),
      random: Math.random,
      remainingMs: () => context.getRemainingTimeInMillis(),
    });
    reportRun(report, logger, metrics);
    if (report.problems.length > 0) throw new Error(`the run failed in part: ${report.problems.join('; ')}`);
    return report;
  } finally {
    metrics.publishStoredMetrics();
  }
}
