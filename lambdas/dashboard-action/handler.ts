import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { connectDatabase } from '../shared/database.ts';
import { readEnvironment } from '../shared/environment.ts';
import { html } from '../shared/html.ts';
import { secretsFromSsm } from '../shared/secrets.ts';
import { telemetry } from '../shared/telemetry.ts';
import { readWidgetEvent, textOf } from '../shared/widget-event.ts';
import { widgetPage } from '../shared/widget-page.ts';
import { act } from './act.ts';
import { environment, SERVICE } from './env.ts';
import { connectRedrive } from './redrive.ts';
import { requestedBy } from './requested-by.ts';

const ABOUT =
  '## Queuekeeper\n\nDoes what the buttons of its tables ask for: recover a stale job, redrive the dead letters. Not a widget of its own.\n';
/** Shorter than the function's own timeout, and no shorter than the statement's own bound needs to be. */
const DATABASE_TIMEOUT_MS = 12_000;

const env = readEnvironment(process.env, environment);
const { logger } = telemetry(SERVICE, env.STAGE);
const secrets = secretsFromSsm((message, error) => logger.warn(message, error));
const redrive = connectRedrive(new SQSClient({}), env.SQS_DLQ_URL);

/** Does what a button of the dashboard asks for, and answers what came of it, as HTML. All of it is logged. */
export async function handler(input: unknown, context: Context): Promise<string> {
  logger.addContext(context);
  const event = readWidgetEvent(input);
  if (event.isDescribe) return ABOUT;
  const who = requestedBy(event);
  // What the caller says is cut by the types of what is read from it, not passed on whole.
  logger.info('Action asked for', { ...request(event.params), requested_by: who });
  try {
    const outcome = await act(event, {
      openDatabase: async () => {
        const key = await secrets.read(env.SUPABASE_SERVICE_KEY_PARAMETER);
        return connectDatabase({ url: env.SUPABASE_URL, key, timeoutMs: DATABASE_TIMEOUT_MS });
      },
      redrive,
      staleThresholdMinutes: env.STALE_THRESHOLD_MINUTES,
      staleCheckMinutes: env.STALE_CHECK_MINUTES,
      requestedBy: who,
    });
    logger.info(outcome.isDone ? 'Action done' : 'Action refused', { summary: outcome.summary, requested_by: who });
    return widgetPage(event.theme, outcome.html);
  } catch (error) {
    logger.error('Action failed', error as Error);
    return widgetPage(
      event.theme,
      html`<p role="alert"><strong class="qk-bad">It is not known whether it was done:</strong> ${(error as Error).message}</p>
        <p>Look at the table again in a minute. Pressing the button again does no harm.</p>`,
    );
  }
}

function request(params: Readonly<Record<string, unknown>>) {
  const { action, jobId, perSecond } = params;
  return {
    action: textOf(action).slice(0, 40),
    job_id: textOf(jobId).slice(0, 40),
    per_second: Number(textOf(perSecond)),
  };
}
