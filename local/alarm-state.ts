import type { AlarmState, Condition } from './alarm-plan.ts';

const BREACHES: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * The state that an alarm has after `values`, one for each of its periods, undefined where the metric has none.
 * What is missing is filled in as the alarm says; without enough to decide, "ignore" keeps the state, and "missing"
 * keeps it until all is missing.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function nextState(
  condition: Condition,
  values: readonly (number | undefined)[],
  state: AlarmState,
): AlarmState {
  const { threshold, comparison, datapointsToAlarm, treatMissingData } = condition;
  const breaches = BREACHES[comparison];
  if (!breaches) throw new Error(`The local system does not understand the comparison ${comparison}`);
  const filled = values.map((value) => (value === undefined ? FILL[treatMissingData] : breaches(value, threshold)));
  const bad = filled.filter((isBad) => isBad === true).length;
  const good = filled.filter((isBad) => isBad === false).length;
  if (bad >= datapointsToAlarm) return 'ALARM';
  if (good > values.length - datapointsToAlarm) return 'OK';
  return treatMissingData === 'missing' && bad + good === 0 ? 'INSUFFICIENT_DATA' : state;
}

/** Whether a period without data breaches; the other two treatments leave it open. */
const FILL: Readonly<Record<string, boolean>> = { breaching: true, notBreaching: false };

const WORDS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

/** Why it is in this state, in the words of CloudWatch, which others parse. Newest value first. */
export function reasonFor(condition: Condition, values: readonly (number | undefined)[], state: AlarmState, now: Date) {
  const { threshold, comparison, treatMissingData } = condition;
  const known = values.filter((value) => value !== undefined).reverse();
  if (known.length === 0) {
    const treated = treatMissingData === 'missing' ? '' : ` and were treated as [${treatMissingData}]`;
    return `Threshold Crossed: no datapoints were received for ${values.length} period(s)${treated}.`;
  }
  const [, year, month, day, time] = /^\d\d(\d\d)-(\d\d)-(\d\d)T([\d:]{8})/.exec(now.toISOString()) ?? [];
  const shown = known.map((value) => `${decimal(value)} (${day}/${month}/${year} ${time})`).join(', ');
  const verb = state === 'ALARM' ? 'was' : 'was not';
  return `Threshold Crossed: ${known.length} datapoint(s) [${shown}] ${verb} ${WORDS[comparison]} the threshold (${decimal(threshold)}).`;
}

/** CloudWatch writes 3 as 3.0. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
