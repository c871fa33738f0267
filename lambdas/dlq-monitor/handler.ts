import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Context } from 'aws-lambda';
import { connectDatabase, type Database } from '../shared/database.ts';
import { readEnvironment } from '../shared/environment.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { sendAlert } from '../shared/slack-alert.ts';
import { telemetry } from '../shared/telemetry.ts';
import { connectDeadLetterQueue } from './dead-letter-queue.ts';
import { environment, SERVICE } from './env.ts';
import { openLedger } from './ledger.ts';
import { reportRun } from './report.ts';
import { type RunReport, runMonitor } from './run.ts';
import { connectStateStore } from './state-store.ts';

/** Kept free after the alert for the state, the record, metrics and the log. */
const CLOSING_MS = 15_000;
/** With the reading of its key, which may take 6 s, it ends within 11 s. */
const RECORDING_MS = 5_000;

const env = readEnvironment(process.env, environment);
const { logger, metrics } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));
const queue = connectDeadLetterQueue(new SQSClient({}), env.SQS_DLQ_URL);
const store = connectStateStore(new SSMClient({}), env.ALERT_STATE_NAME);

/** One run of the dlq-monitor. Throws at the end when any part failed, so that Lambda's own alarm speaks. */
export async function handler(_event: unknown, context: Context): Promise<RunReport> {
  logger.addContext(context);
  logger.info('Starting check iteration');
  const deadlineMs = Date.now() + context.getRemainingTimeInMillis() - CLOSING_MS;
  try {
    const report = await runMonitor({
      queue,
      queueUrl: env.SQS_DLQ_URL,
      openLedger: async (queueName) => openLedger(await connect(), queueName),
      runId: crypto.randomUUID(),
      recordRun: async (run) => (await connect(RECORDING_MS)).call('record_monitor_run', { ...run }),
      store,
      sendToSlack: (message) =>
        sendAlert({ message, secrets, webhookParameter: env.SLACK_WEBHOOK_URL_PARAMETER, logger, deadlineMs }),
      threshold: env.DLQ_ALERT_THRESHOLD,
      links: { runbook: env.RUNBOOK_URL, dashboard: env.DASHBOARD_URL },
      now: () => new Date(),
      remainingMs: () => context.getRemainingTimeInMillis(),
      log: logger,
    });
    reportRun(report, logger, metrics);
    if (report.problems.length > 0) throw new Error(`the run failed in part: ${report.problems.join('; ')}`);
    return report;
  } finally {
    metrics.publishStoredMetrics();
  }
}

async function connect(timeoutMs?: number): Promise<Database> {
  const key = await secrets.read(env.SUPABASE_SERVICE_KEY_PARAMETER);
  return connectDatabase({ url: env.SUPABASE_URL, key, timeoutMs });
}
