import { describe, expect, it } from '@jest/globals';
import type { AlarmState } from '../../local/alarm-plan.ts';
import { parseAlarmRule } from '../../local/alarm-rule.ts';

const STATES: Readonly<Record<string, AlarmState>> = { bad: 'ALARM', good: 'OK', new: 'INSUFFICIENT_DATA' };
const holds = (rule: string) => parseAlarmRule(rule)((name) => STATES[name] ?? 'OK');

describe('the rule of a composite alarm', () => {
  it.each([
    'ALARM("bad")',
    'ALARM(bad)',
    'OK("good")',
    'INSUFFICIENT_DATA("new")',
    'NOT ALARM("good")',
    '(ALARM("good") OR ALARM("bad"))',
    'ALARM("bad") OR ALARM("good") AND ALARM("good")',
    'TRUE AND NOT (FALSE OR ALARM("new"))',
  ])('%s holds', (rule) => {
    expect(holds(rule)).toBe(true);
  });

  it.each(['ALARM("good")', 'ALARM("bad") AND ALARM("good")', '(ALARM("bad") OR TRUE) AND FALSE', 'NOT TRUE'])(
    '%s does not hold',
    (rule) => {
      expect(holds(rule)).toBe(false);
    },
  );

  it.each(['ALARM("a"', 'ALARM("a") XOR ALARM("b")', 'AT_LEAST(2, ALARM, ("a"))', ''])(
    '%s is not understood',
    (rule) => {
      expect(() => holds(rule)).toThrow('does not understand');
    },
  );
});
