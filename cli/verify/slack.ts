import { mrkdwn } from '../../lambdas/shared/mrkdwn.ts';
import { sendToSlack } from '../../lambdas/shared/slack.ts';
import { context as contextBlock, header, section, slackMessage } from '../../lambdas/shared/slack-message.ts';
import { secretNames } from '../../lib/constructs/secret-parameter.ts';
import { readParameter } from '../store-secrets.ts';
import { type Check, Fault } from './check.ts';

/** Three tries of Slack's client and the pauses between them. */
const SLACK_MS = 20_000;

export const slack: Check = {
  name: 'Slack',
  needs: ['Settings', 'AWS'],
  follows: ['Secrets'],
  async run({ context }) {
    const parameter = secretNames(context.stage).slackWebhook;
    const webhookUrl = (await readParameter(context.clients.ssm, parameter))?.trim();
    if (!webhookUrl) {
      throw new Fault(
        `SLACK_WEBHOOK_URL not configured: ${parameter} is missing in SSM, and no alert reaches Slack`,
        'Put SLACK_WEBHOOK_URL in .env (Slack: Incoming Webhooks), then npx queuekeeper secrets push.',
      );
    }
    const title = `Test alert from Queuekeeper (${context.stage})`;
    const message = slackMessage(mrkdwn`${title}`, [
      header(title),
      section(mrkdwn`This is a test: alerts reach this channel. Nothing is wrong.`),
      contextBlock(mrkdwn`queuekeeper verify · asked by ${context.askedBy}`),
    ]);
    try {
      await sendToSlack({ webhookUrl, message, deadlineMs: Date.now() + SLACK_MS });
    } catch (error) {
      throw new Fault((error as Error).message, 'Then npx queuekeeper secrets push, and run this again.');
    }
    return `"${title}" delivered: look whether it is in the right channel`;
  },
};
