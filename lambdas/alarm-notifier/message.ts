import { codeBlock, join, link, type Mrkdwn, moment, mrkdwn, paragraph } from '../shared/mrkdwn.ts';
import { LONGEST_REDACTED, redact } from '../shared/redact.ts';
import { context, fields, header, type SlackMessage, section, slackMessage } from '../shared/slack-message.ts';
import { type Alarm, parseAlarm } from './alarm.ts';

/** What SNS hands over: a CloudWatch alarm's JSON, mostly; anybody may publish anything else. */
export type Notification = { subject?: string; message: string };

/** The Slack message for a notification. What is not an alarm is passed on as it is: better odd than lost. */
export function alarmMessage({ subject, message }: Notification): SlackMessage {
  const alarm = parseAlarm(message);
  return alarm ? stateChange(alarm) : passedOn(subject, message);
}

function stateChange(alarm: Alarm): SlackMessage {
  const title = titleOf(alarm);
  return slackMessage(mrkdwn`${title}`, [
    header(title),
    section(whatIsWrong(alarm)),
    fields(...facts(alarm)),
    ...linkBlocks(alarm),
    ...(alarm.reason && alarm.description ? [context(paragraph(alarm.reason))] : []),
  ]);
}

function titleOf({ name, state, previousState }: Alarm): string {
  switch (state) {
    case 'ALARM':
      return `🔴 ALARM: ${name}`;
    case 'OK':
      return previousState === 'INSUFFICIENT_DATA' ? `✅ OK: ${name}` : `✅ OK again: ${name}`;
    case 'INSUFFICIENT_DATA':
      return `⚪ No data: ${name}`;
    default:
      return `❓ ${state}: ${name}`;
  }
}

/** The description says what is wrong in ALARM, so that the other states say how it relates to them. */
function whatIsWrong({ state, previousState, description, reason }: Alarm): Mrkdwn {
  const words = description ?? reason;
  if (!words) return mrkdwn`The alarm has no description.`;
  if (!description || state === 'ALARM') return paragraph(words);
  // A new alarm's first data: nothing was wrong that could be over.
  const over = previousState === 'INSUFFICIENT_DATA' ? 'This is not so:' : 'This is over:';
  const relation = state === 'OK' ? over : 'Not known now, for want of data:';
  return mrkdwn`*${relation}* ${paragraph(words)}`;
}

function facts(alarm: Alarm): Mrkdwn[] {
  const { state, previousState, value, condition, metric, changedAt, region, account } = alarm;
  const shownValue = value === undefined ? 'not known' : String(value);
  const place = [region, account && `account ${account}`].filter(Boolean).join(', ');
  return [
    mrkdwn`*Since*\n${changedAt ? moment(changedAt) : 'not known'}`,
    mrkdwn`*${metric ?? 'Value'}*\n${shownValue}${condition ? ` (alarms ${condition})` : ''}`,
    ...(previousState ? [mrkdwn`*State*\n${previousState} → ${state}`] : []),
    ...(place ? [mrkdwn`*Where*\n${place}`] : []),
  ];
}

function linkBlocks({ runbookUrl, consoleUrl }: Alarm) {
  const links = [
    ...(runbookUrl ? [link(runbookUrl, '📖 Runbook')] : []),
    ...(consoleUrl ? [link(consoleUrl, '🔔 Alarm in the console')] : []),
  ];
  return links.length > 0 ? [section(join(links, ' · '))] : [];
}

function passedOn(subject: string | undefined, message: string): SlackMessage {
  const title = `📨 ${redact(subject?.trim() ?? '') || 'Message on the alarm topic'}`;
  const isCut = message.length > LONGEST_REDACTED;
  return slackMessage(mrkdwn`${title}`, [
    header(title),
    section(mrkdwn`This is not a CloudWatch alarm, so it is passed on as it came:`, codeBlock(redact(message))),
    ...(isCut ? [context(mrkdwn`… cut: it has ${message.length} characters`)] : []),
  ]);
}
