import { isMissing } from './parameter.ts';
import type { Secrets } from './secrets.ts';
import { sendToSlack } from './slack.ts';
import { SlackError } from './slack-error.ts';
import type { SlackMessage } from './slack-message.ts';

export type SlackAlert = {
  message: SlackMessage;
  secrets: Secrets;
  /** Name of the SSM parameter that holds the webhook's URL. */
  webhookParameter: string;
  logger: { info(message: string): void; error(message: string): void };
  /** When the sender must be done, in milliseconds since the epoch. */
  deadlineMs: number;
  send?: typeof sendToSlack;
};

/**
 * Sends a message to the configured webhook. A refused webhook may have been rotated since it was read, so that the
 * parameter is read past the cache then, and a new URL gets one more try.
 * @throws when there is no webhook, when the parameter cannot be read, and when Slack does not take the message
 */
export async function sendAlert(alert: SlackAlert): Promise<void> {
  const { message, secrets, webhookParameter, logger, deadlineMs, send = sendToSlack } = alert;
  const webhookUrl = await readWebhook(alert, secrets.read);
  try {
    await send({ webhookUrl, message, deadlineMs });
  } catch (error) {
    if (!(error instanceof SlackError) || error.kind !== 'permanent') throw error;
    const rotatedUrl = await readWebhook(alert, secrets.readAgain);
    if (rotatedUrl === webhookUrl) throw error;
    logger.info(`The webhook was refused and ${webhookParameter} holds a new one: trying that`);
    await send({ webhookUrl: rotatedUrl, message, deadlineMs });
  }
  logger.info('Slack alert sent successfully');
}

/** Logged as well as thrown, under the text that the deployment guide tells its readers to look for. */
async function readWebhook({ webhookParameter, logger }: SlackAlert, read: Secrets['read']): Promise<string> {
  const webhookUrl = await read(webhookParameter).catch((error: Error) => {
    if (isMissing(error)) return '';
    throw error;
  });
  if (webhookUrl.trim() !== '') return webhookUrl;
  logger.error('SLACK_WEBHOOK_URL not configured');
  throw new Error(`SLACK_WEBHOOK_URL not configured: the SSM parameter ${webhookParameter} is missing or empty`);
}
