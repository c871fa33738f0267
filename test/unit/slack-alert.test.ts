import { describe, expect, test } from '@jest/globals';
import { mrkdwn } from '../../lambdas/shared/mrkdwn.ts';
import { ParameterError } from '../../lambdas/shared/parameter.ts';
import type { SlackDelivery } from '../../lambdas/shared/slack.ts';
import { sendAlert } from '../../lambdas/shared/slack-alert.ts';
import { SlackError } from '../../lambdas/shared/slack-error.ts';
import { section, slackMessage } from '../../lambdas/shared/slack-message.ts';

const OLD = 'https://hooks.slack.com/services/T0/B0/old';
const NEW = 'https://hooks.slack.com/services/T0/B0/new';
const REVOKED = new SlackError('permanent', 'no_service');

/** Sends with a parameter that holds `stored`, of which `cached` is what was read before. */
async function alert({ cached = OLD, stored = cached, refuse = () => {} }: Partial<Setup>) {
  const sentTo: string[] = [];
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const error = await sendAlert({
    message: slackMessage(mrkdwn`x`, [section(mrkdwn`x`)]),
    secrets: { read: async () => cached, readAgain: async () => stored },
    webhookParameter: '/queuekeeper/slack-webhook-url',
    logger: { info: log, error: log },
    deadlineMs: 1,
    send: async ({ webhookUrl }: SlackDelivery) => {
      sentTo.push(webhookUrl);
      refuse(webhookUrl);
    },
  }).then(
    () => undefined,
    (thrown: Error) => thrown.message,
  );
  return { error, sentTo, logged };
}

type Setup = { cached: string; stored: string; refuse: (url: string) => void };

function refuseOld(url: string): void {
  if (url === OLD) throw REVOKED;
}

describe('an alert', () => {
  test('that Slack took is logged as sent', async () => {
    expect(await alert({})).toEqual({ error: undefined, sentTo: [OLD], logged: ['Slack alert sent successfully'] });
  });

  test('is sent to the new webhook when the old one was rotated out', async () => {
    const { error, sentTo } = await alert({ stored: NEW, refuse: refuseOld });
    expect([error, sentTo]).toEqual([undefined, [OLD, NEW]]);
  });

  test('fails when the refused webhook is still the stored one', async () => {
    expect(await alert({ refuse: refuseOld })).toEqual({ error: 'no_service', sentTo: [OLD], logged: [] });
  });

  test('does not ask for another webhook when Slack is only unavailable', async () => {
    const refuse = () => {
      throw new SlackError('unavailable', 'HTTP 500');
    };
    expect((await alert({ stored: NEW, refuse })).sentTo).toEqual([OLD]);
  });

  test('without a webhook says so in the log and fails', async () => {
    const { error, sentTo, logged } = await alert({ cached: ' \n' });
    expect(error).toContain('SLACK_WEBHOOK_URL not configured: the SSM parameter /queuekeeper/slack-webhook-url');
    expect([sentTo, logged]).toEqual([[], ['SLACK_WEBHOOK_URL not configured']]);
  });
});

describe('a parameter', () => {
  const setup = (error: Error) => ({
    message: slackMessage(mrkdwn`x`, []),
    secrets: { read: () => Promise.reject(error), readAgain: () => Promise.reject(error) },
    webhookParameter: '/p',
    logger: { info: () => {}, error: () => {} },
    deadlineMs: 1,
  });

  test('that is not there counts as not configured', async () => {
    const missing = new Error('cannot read', { cause: new ParameterError('none', { isMissing: true }) });
    await expect(sendAlert(setup(new Error('wrapped', { cause: missing })))).rejects.toThrow('not configured');
  });

  test('that cannot be read is another error', async () => {
    await expect(sendAlert(setup(new Error('SSM does not answer')))).rejects.toThrow('SSM does not answer');
  });
});
