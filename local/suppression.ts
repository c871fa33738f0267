import type { Watched } from './alarms.ts';

/**
 * Whether nobody is told of a composite alarm yet, because of its suppressor: while that alarms, for a while after it,
 * and, when the alarm goes off, for as long as the suppressor may take to follow.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
 */
export function isHeldBack(
  alarm: Watched,
  find: (name: string) => Watched,
  timeScale: number,
  now = Date.now(),
): boolean {
  const suppressor = alarm.plan.type === 'CompositeAlarm' ? alarm.plan.suppressor : undefined;
  if (!suppressor) return false;
  const { status, endedAt } = find(suppressor.name);
  const isWithin = (since: Date | undefined, ms: number) =>
    since !== undefined && now - since.getTime() < ms / timeScale;
  return (
    status.state === 'ALARM' ||
    isWithin(endedAt, suppressor.extensionMs) ||
    (alarm.status.state === 'ALARM' && isWithin(alarm.status.since, suppressor.waitMs))
  );
}
