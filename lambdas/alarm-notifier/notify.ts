import type { SNSEventRecord } from 'aws-lambda';
import type { SlackMessage } from '../shared/slack-message.ts';
import { parseAlarm } from './alarm.ts';
import { OWN_ALARMS } from './env.ts';
import { alarmMessage } from './message.ts';

export type NotifyOptions = {
  records: readonly Pick<SNSEventRecord, 'Sns'>[];
  send: (message: SlackMessage, deadlineMs: number) => Promise<void>;
  now: () => number;
  /** When the last one must be done, in milliseconds since the epoch. */
  deadlineMs: number;
};

export type NotifyReport = {
  sent: number;
  problems: string[];
  /** Why Slack did not take news of the alarms about this function. No failure: that would set them off again, for ever. */
  unsaid: string[];
};

/**
 * Sends one message per record, one after the other, since Slack takes one a second. Each gets an equal share of
 * the time that is left, so that one record that Slack does not take cannot use up the time of the rest.
 */
export async function notifyAll({ records, send, now, deadlineMs }: NotifyOptions): Promise<NotifyReport> {
  const problems: string[] = [];
  const unsaid: string[] = [];
  for (const [index, { Sns }] of records.entries()) {
    const shareMs = (deadlineMs - now()) / (records.length - index);
    try {
      await send(alarmMessage({ subject: Sns.Subject, message: Sns.Message }), now() + shareMs);
    } catch (error) {
      (isOwnAlarm(Sns?.Message) ? unsaid : problems).push((error as Error).message);
    }
  }
  return { sent: records.length - problems.length - unsaid.length, problems, unsaid };
}

function isOwnAlarm(message = ''): boolean {
  const name = parseAlarm(message)?.name ?? '';
  return Object.values(OWN_ALARMS).some((own) => name.endsWith(`-${own}`));
}
