import { oneLine } from '../shared/mrkdwn.ts';
import type { WidgetEvent } from '../shared/widget-event.ts';

const LONGEST_NAME = 60;
const LONGEST_DASHBOARD = 60;

/**
 * Who asks, for the record: the name that was typed, and from where. CloudWatch does not say who is signed in, so that
 * this is what the caller says; who called this function is in CloudTrail, where its data events are kept.
 */
export function requestedBy({ form, dashboard, account }: WidgetEvent): string {
  const name = short(form['who'] ?? '', LONGEST_NAME) || 'someone without a name';
  const from = short(dashboard, LONGEST_DASHBOARD) || 'not named';
  return `${name} (dashboard ${from}, account ${short(account, 12) || 'not known'})`;
}

function short(text: string, longest: number): string {
  return oneLine(text).trim().slice(0, longest).toWellFormed();
}
