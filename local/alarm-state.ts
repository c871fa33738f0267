import type { AlarmState, Condition } from './alarm-plan.ts';

const BREACHES: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** What a metric says of one period; undefined where it has nothing. */
export type Datapoint = { readonly at: Date; readonly value: number | undefined };

/**
 * The state that an alarm has after `points`, one for each of its periods. What is missing is filled in as the alarm
 * says; without enough to decide, "ignore" keeps the state, and "missing" keeps it until all is missing.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function nextState(condition: Condition, points: readonly Datapoint[], state: AlarmState): AlarmState {
  const { datapointsToAlarm, treatMissingData } = condition;
  const filled = points.map(({ value }) => (value === undefined ? FILL[treatMissingData] : breaches(condition, value)));
  const bad = filled.filter((isBad) => isBad === true).length;
  const good = filled.filter((isBad) => isBad === false).length;
  if (bad >= datapointsToAlarm) return 'ALARM';
  if (good > points.length - datapointsToAlarm) return 'OK';
  return treatMissingData === 'missing' && bad + good === 0 ? 'INSUFFICIENT_DATA' : state;
}

/** Whether a period without data breaches; the other two treatments leave it open. */
const FILL: Readonly<Record<string, boolean>> = { breaching: true, notBreaching: false };

function breaches({ comparison, threshold }: Condition, value: number): boolean {
  const compare = BREACHES[comparison];
  if (!compare) throw new Error(`The local system does not understand the comparison ${comparison}`);
  return compare(value, threshold);
}

const WORDS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

/** Why it is in this state, in the words of CloudWatch, which others parse: the points that speak for it, newest first. */
export function reasonFor(condition: Condition, points: readonly Datapoint[], state: AlarmState): string {
  const { threshold, comparison, treatMissingData } = condition;
  const isAlarm = state === 'ALARM';
  const speaking = points.filter(({ value }) => value !== undefined && breaches(condition, value) === isAlarm);
  if (speaking.length === 0) {
    const missing = points.filter(({ value }) => value === undefined).length;
    const treated = treatMissingData === 'missing' ? '' : ` and were treated as [${treatMissingData}]`;
    return `Threshold Crossed: no datapoints were received for ${missing} period(s)${treated}.`;
  }
  const shown = speaking.reverse().map(({ at, value }) => `${decimal(value as number)} (${dateAndTime(at)})`);
  const verb = isAlarm ? 'was' : 'was not';
  return `Threshold Crossed: ${shown.length} datapoint(s) [${shown.join(', ')}] ${verb} ${WORDS[comparison]} the threshold (${decimal(threshold)}).`;
}

/** 24/11/26 15:00:00 */
function dateAndTime(at: Date): string {
  const [date = '', time = ''] = at.toISOString().slice(2, 19).split('T');
  return `${date.split('-').reverse().join('/')} ${time}`;
}

/** CloudWatch writes 3 as 3.0. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
