import { type Depth, totalOf } from './depth.ts';

/** How often Slack hears of dead letters that nobody touches. Alertmanager's repeat_interval. */
const REMINDER_MS = 4 * 60 * 60 * 1000;
/** SQS counts are approximate for a minute and more: one empty reading is no all clear (construct-hub#1758, #1779). */
const EMPTY_READINGS_FOR_ALL_CLEAR = 2;

/** What SQS says is in the queue, and what reading its messages added to that. */
export type Reading = Depth & {
  /** Messages never recorded before; absent when nothing was read or recorded in this run. */
  newCount?: number;
};

/** Dead letters that Slack was told of and that are not known to be gone. Times are ISO 8601. */
export type Incident = {
  since: string;
  alertedAt: string;
  /** In the queue at the last alert, or the lowest count since: what is above that is news. */
  depth: number;
  /** The highest count, for the account at the end. */
  peak: number;
  /** New ones that Slack was to hear of and did not take. */
  untold?: number;
  emptyReadings: number;
};

export type Decision = {
  speak?: 'first' | 'growth' | 'reminder' | 'all_clear';
  /** With first, growth and reminder: how many are new since the last alert. */
  newCount: number;
  /** What to remember once Slack has taken the message, or at once when there is none. */
  incident?: Incident;
  /** What to remember when Slack did not take it, so that the next run says it. */
  unsaid?: Incident;
};

/**
 * When to speak: first dead letters, growth, a reminder while any remain, and the all clear of an incident that Slack
 * heard of. The order of the questions is that of Alertmanager's notify/dedup_stage.go.
 * It fires on visible messages alone: those in flight hover around 1 in an empty queue, but an incident ends only when
 * all three counts are 0.
 */
export function decide(incident: Incident | undefined, reading: Reading, now: Date, threshold: number): Decision {
  const total = totalOf(reading);
  const at = now.toISOString();
  if (!incident) {
    if (reading.visible < threshold) return { newCount: 0 };
    return {
      speak: 'first',
      newCount: total,
      incident: { since: at, alertedAt: at, depth: total, peak: total, emptyReadings: 0 },
    };
  }
  if (total === 0) {
    const emptyReadings = incident.emptyReadings + 1;
    if (emptyReadings >= EMPTY_READINGS_FOR_ALL_CLEAR) return { speak: 'all_clear', newCount: 0, unsaid: incident };
    return { newCount: 0, incident: { ...incident, depth: 0, emptyReadings } };
  }
  const seen = { ...incident, emptyReadings: 0, peak: Math.max(incident.peak, total) };
  const spoken = { ...seen, alertedAt: at, depth: total, untold: 0 };
  const untold = incident.untold ?? 0;
  // Without a count of its own, what was not told may be among what is above the last count, or may have replaced it.
  const newCount =
    reading.newCount === undefined ? Math.max(untold, total - incident.depth) : untold + reading.newCount;
  if (newCount > 0) return { speak: 'growth', newCount, incident: spoken, unsaid: { ...seen, untold: newCount } };
  if (now.getTime() - Date.parse(incident.alertedAt) >= REMINDER_MS) {
    return { speak: 'reminder', newCount: 0, incident: spoken, unsaid: seen };
  }
  return { newCount: 0, incident: { ...seen, depth: Math.min(incident.depth, total) } };
}
