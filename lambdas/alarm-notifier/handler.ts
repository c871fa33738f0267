import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Context, SNSEvent } from 'aws-lambda';
import { readEnvironment } from '../shared/environment.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { sendAlert } from '../shared/slack-alert.ts';
import { telemetry } from '../shared/telemetry.ts';
import { environment, METRICS, SERVICE } from './env.ts';
import { type NotifyReport, notifyAll } from './notify.ts';

/** Kept free at the end of a run for metrics and the log. */
const CLOSING_MS = 1_000;

const env = readEnvironment(process.env, environment);
const { logger, metrics } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));

/** Tells Slack of each alarm. Throws at the end when any was not delivered, so that Lambda tries the event again. */
export async function handler(event: SNSEvent, context: Context): Promise<NotifyReport> {
  logger.addContext(context);
  try {
    const { sent, problems, unsaid } = await notifyAll({
      records: event.Records,
      send: (message, deadlineMs) =>
        sendAlert({ message, secrets, webhookParameter: env.SLACK_WEBHOOK_URL_PARAMETER, logger, deadlineMs }),
      now: Date.now,
      deadlineMs: Date.now() + context.getRemainingTimeInMillis() - CLOSING_MS,
    });
    for (const reason of unsaid) logger.error(`Slack did not take the news that alarms do not reach it: ${reason}`);
    metrics.addMetric(METRICS.sent, MetricUnit.Count, sent);
    metrics.addMetric(METRICS.failed, MetricUnit.Count, problems.length);
    if (problems.length > 0) throw new Error(`${problems.length} alarm(s) not delivered: ${problems.join('; ')}`);
    return { sent, problems, unsaid };
  } finally {
    metrics.publishStoredMetrics();
  }
}
