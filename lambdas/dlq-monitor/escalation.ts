/** Share of its retention, in percent, that a dead letter has used when the wording gets sharper. */
export type EscalationLevel = 0 | 50 | 80 | 95;

/**
 * How near the oldest dead letter is to being deleted by SQS. At 50 % there is time to plan, at 80 % (under three
 * days of the usual 14) it is this week's work, at 95 % (17 hours) someone must act now.
 */
export function escalationLevel(expiresAt: Date, retentionSeconds: number, now: Date): EscalationLevel {
  const leftSeconds = (expiresAt.getTime() - now.getTime()) / 1_000;
  const usedPercent = 100 * (1 - leftSeconds / retentionSeconds);
  if (usedPercent >= 95) return 95;
  if (usedPercent >= 80) return 80;
  return usedPercent >= 50 ? 50 : 0;
}
