import { describe, expect, it } from '@jest/globals';
import { parseFormula } from '../../local/metric-math.ts';

const VALUES: Readonly<Record<string, number>> = { a: 6, b: 3, zero: 0 };
const compute = (expression: string) => parseFormula(expression)((id) => VALUES[id]);

describe('a formula over metrics', () => {
  it.each<[string, number | undefined]>([
    ['a', 6],
    ['1.5', 1.5],
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 3 - 2', 5],
    ['12 / a / 2', 1],
    ['100 * b / a', 50],
    ['a > 5', 1],
    ['a >= 6 && b < 3', 0],
    ['a == 6 OR b != 3', 1],
    ['IF(a >= 6, 100 * b / a, 0)', 50],
    ['IF(a > 6, 100 * b / a, 0)', 0],
    ['FILL(gone, 0) + 1', 1],
    ['FILL(a, 0)', 6],
    ['SUM([FILL(a, 0), FILL(gone, 0)])', 6],
    ['MAX([a, gone])', 6],
    ['MIN([a, b])', 3],
  ])('%s is %s', (expression, value) => {
    expect(compute(expression)).toBe(value);
  });

  it.each(['gone', 'a + gone', 'a / zero', 'IF(gone > 1, 2, 3)', 'SUM([gone])'])('%s is missing', (expression) => {
    expect(compute(expression)).toBeUndefined();
  });

  it.each([
    ['ANOMALY_DETECTION_BAND(a)', 'ANOMALY_DETECTION_BAND'],
    ['a + ', 'the end'],
    ['(a', 'the end'],
    ['a b', 'b'],
    ['a ^ b', '\\^'],
  ])('%s is not understood, and it is said why', (expression, token) => {
    expect(() => compute(expression)).toThrow(new RegExp(`does not understand ${token} in`));
  });
});
