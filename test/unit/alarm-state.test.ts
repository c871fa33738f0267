import { describe, expect, it } from '@jest/globals';
import type { AlarmState, Condition } from '../../local/alarm-plan.ts';
import { type Datapoint, nextState, reasonFor } from '../../local/alarm-state.ts';

const aCondition = (condition: Partial<Condition> = {}): Condition => ({
  threshold: 5,
  comparison: 'GreaterThanThreshold',
  evaluationPeriods: 1,
  datapointsToAlarm: 1,
  treatMissingData: 'missing',
  ...condition,
});

/** One a minute, the last one at 15:00. */
const points = (...values: (number | undefined)[]): Datapoint[] =>
  values.map((value, index) => ({ at: new Date(Date.UTC(2026, 10, 24, 15, index - values.length + 1)), value }));

describe('an alarm on one period', () => {
  it.each<[string, number, AlarmState]>([
    ['GreaterThanThreshold', 5, 'OK'],
    ['GreaterThanThreshold', 5.1, 'ALARM'],
    ['GreaterThanOrEqualToThreshold', 4.9, 'OK'],
    ['GreaterThanOrEqualToThreshold', 5, 'ALARM'],
    ['LessThanThreshold', 5, 'OK'],
    ['LessThanThreshold', 4.9, 'ALARM'],
    ['LessThanOrEqualToThreshold', 5.1, 'OK'],
    ['LessThanOrEqualToThreshold', 5, 'ALARM'],
  ])('%s 5: %d is %s', (comparison, value, state) => {
    expect(nextState(aCondition({ comparison }), points(value), 'INSUFFICIENT_DATA')).toBe(state);
  });

  it.each<[string, AlarmState, AlarmState]>([
    ['breaching', 'OK', 'ALARM'],
    ['notBreaching', 'ALARM', 'OK'],
    ['ignore', 'ALARM', 'ALARM'],
    ['ignore', 'OK', 'OK'],
    ['missing', 'ALARM', 'INSUFFICIENT_DATA'],
  ])('that treats missing data as %s goes from %s to %s without data', (treatMissingData, before, after) => {
    expect(nextState(aCondition({ treatMissingData }), points(undefined), before)).toBe(after);
  });

  it('names a comparison that it does not understand', () => {
    const condition = aCondition({ comparison: 'LessThanLowerThreshold' });
    expect(() => nextState(condition, points(1), 'OK')).toThrow('LessThanLowerThreshold');
  });
});

describe('an alarm on several periods', () => {
  const ofTwo = (treatMissingData: string) =>
    aCondition({ evaluationPeriods: 2, datapointsToAlarm: 2, treatMissingData });
  it.each<[string, (number | undefined)[], AlarmState]>([
    ['one breach', [0, 9], 'OK'],
    ['as many breaches as it wants', [9, 9], 'ALARM'],
    ['a breach and a gap that counts as one', [undefined, 9], 'ALARM'],
  ])('with %s', (_what, values, state) => {
    expect(nextState(ofTwo('breaching'), points(...values), 'OK')).toBe(state);
  });

  it('needs so many breaches as it says, wherever they are', () => {
    const twoOfThree = aCondition({ evaluationPeriods: 3, datapointsToAlarm: 2 });
    expect(nextState(twoOfThree, points(9, 0, 9), 'OK')).toBe('ALARM');
    expect(nextState(twoOfThree, points(9, 0, 0), 'ALARM')).toBe('OK');
  });

  it('keeps its state while what it knows is not enough', () => {
    expect(nextState(ofTwo('missing'), points(undefined, 9), 'OK')).toBe('OK');
    expect(nextState(ofTwo('ignore'), points(undefined, 9), 'ALARM')).toBe('ALARM');
  });
});

describe('the reason for a state', () => {
  it('has the values that breached, the newest first, as CloudWatch writes them', () => {
    expect(reasonFor(aCondition(), points(6, 0, 7.5), 'ALARM')).toBe(
      'Threshold Crossed: 2 datapoint(s) [7.5 (24/11/26 15:00:00), 6.0 (24/11/26 14:58:00)] was greater than the threshold (5.0).',
    );
  });

  it('has the values that did not, when the alarm is over', () => {
    expect(reasonFor(aCondition(), points(9, 0), 'OK')).toBe(
      'Threshold Crossed: 1 datapoint(s) [0.0 (24/11/26 15:00:00)] was not greater than the threshold (5.0).',
    );
  });

  it('says that there were none, and how that was taken', () => {
    expect(reasonFor(aCondition({ treatMissingData: 'breaching' }), points(undefined), 'ALARM')).toBe(
      'Threshold Crossed: no datapoints were received for 1 period(s) and were treated as [breaching].',
    );
  });
});
