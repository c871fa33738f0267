import { describe, expect, test } from '@jest/globals';
import type { SNSEventRecord } from 'aws-lambda';
import { OWN_ALARMS } from '../../lambdas/alarm-notifier/env.ts';
import { notifyAll } from '../../lambdas/alarm-notifier/notify.ts';
import type { SlackMessage } from '../../lambdas/shared/slack-message.ts';

function aRecord(name: string): Pick<SNSEventRecord, 'Sns'> {
  const message = JSON.stringify({ AlarmName: name, NewStateValue: 'ALARM' });
  return { Sns: { Subject: 's', Message: message } as SNSEventRecord['Sns'] };
}

describe('notifyAll', () => {
  test('sends one message per record', async () => {
    const texts: string[] = [];
    const send = async ({ text }: SlackMessage) => void texts.push(text);
    const report = await notifyAll({ records: [aRecord('a'), aRecord('b')], send, now: () => 0, deadlineMs: 10 });
    expect(report).toEqual({ sent: 2, problems: [], unsaid: [] });
    expect(texts).toEqual(['🔴 ALARM: a', '🔴 ALARM: b']);
  });

  test('goes on with the rest after a record that is broken and one that Slack refuses', async () => {
    const texts: string[] = [];
    const send = async ({ text }: SlackMessage) => {
      if (text.endsWith('refused')) throw new Error('no_service');
      texts.push(text);
    };
    const records = [{} as SNSEventRecord, aRecord('refused'), aRecord('good')];
    const report = await notifyAll({ records, send, now: () => 0, deadlineMs: 10 });
    expect(report).toEqual({ sent: 1, problems: [expect.stringContaining('Subject'), 'no_service'], unsaid: [] });
    expect(texts).toEqual(['🔴 ALARM: good']);
  });

  test.each(Object.values(OWN_ALARMS))(
    'does not fail for news of %s, which would set it off again, for ever',
    async (own) => {
      const send = async () => {
        throw new Error('no_service');
      };
      const records = [aRecord(`queuekeeper-prod-${own}`), aRecord('another')];
      const report = await notifyAll({ records, send, now: () => 0, deadlineMs: 10 });
      expect(report).toEqual({ sent: 0, problems: ['no_service'], unsaid: ['no_service'] });
    },
  );

  test('gives each record an equal share of the time that is left', async () => {
    let time = 0;
    const deadlines: number[] = [];
    const send = async (_: SlackMessage, deadlineMs: number) => {
      deadlines.push(deadlineMs);
      time += 10;
    };
    await notifyAll({ records: [aRecord('a'), aRecord('b'), aRecord('c')], send, now: () => time, deadlineMs: 90 });
    expect(deadlines).toEqual([30, 50, 90]);
  });
});
