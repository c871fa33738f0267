import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { connectDatabase } from '../shared/database.ts';
import { readEnvironment } from '../shared/environment.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { telemetry } from '../shared/telemetry.ts';
import { readWidgetEvent } from '../shared/widget-event.ts';
import { connectDeadLetterSource } from './dead-letter-source.ts';
import { environment, SERVICE } from './env.ts';
import { describe, show } from './show.ts';
import type { Sources } from './view.ts';

/** Shorter than the function's own timeout, so that it can say that the database is silent. */
const DATABASE_TIMEOUT_MS = 6_000;

const env = readEnvironment(process.env, environment);
const { logger } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));
const rateLimit = { requests: env.RATE_LIMIT_REQUESTS, windowMs: env.RATE_LIMIT_WINDOW_MS };
const sources: Sources = {
  openDatabase: async () => {
    const key = await secrets.read(env.SUPABASE_SERVICE_KEY_PARAMETER);
    return connectDatabase({ url: env.SUPABASE_URL, key, timeoutMs: DATABASE_TIMEOUT_MS });
  },
  deadLetterQueue: connectDeadLetterSource(new SQSClient({}), env.SQS_DLQ_URL),
  staleThresholdMinutes: env.STALE_THRESHOLD_MINUTES,
  rateLimit,
};

/** A custom widget of the dashboard: one of the tables, as HTML. It changes nothing, and may not. */
export async function handler(input: unknown, context: Context): Promise<string> {
  logger.addContext(context);
  const event = readWidgetEvent(input);
  if (event.isDescribe) return describe();
  const frame = {
    event,
    now: new Date(),
    staleThresholdMinutes: env.STALE_THRESHOLD_MINUTES,
    staleCheckMinutes: env.STALE_CHECK_MINUTES,
    rateLimit,
    readArn: context.invokedFunctionArn,
    actArn: env.ACTION_FUNCTION_ARN,
    runbookUrl: env.RUNBOOK_URL,
  };
  return show(sources, frame, (text) => logger.warn(text));
}
