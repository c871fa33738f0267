import { describe, expect, test } from '@jest/globals';
import { optionalText, readEnvironment, share, text, wholeNumber } from '../../lambdas/shared/environment.ts';

const spec = { URL: text, MINUTES: wholeNumber(1, 60), SHARE: share(), NOTE: optionalText };
const good = { URL: 'https://example.com', MINUTES: '10', SHARE: '0.5' };

describe('the environment of a function', () => {
  test('is read as the values that its spec promises', () => {
    expect(readEnvironment({ ...good, NOTE: 'hello', OTHER: 'ignored' }, spec)).toEqual({
      URL: 'https://example.com',
      MINUTES: 10,
      SHARE: 0.5,
      NOTE: 'hello',
    });
  });

  test('may lack what is optional', () => {
    expect(readEnvironment(good, spec)).toMatchObject({ NOTE: undefined });
    expect(readEnvironment({ ...good, NOTE: '' }, spec)).toMatchObject({ NOTE: undefined });
  });

  test('is refused with one error that lists every missing name, an empty one included', () => {
    expect(() => readEnvironment({ URL: '' }, spec)).toThrow(
      new Error('Missing required environment variables: URL, MINUTES, SHARE'),
    );
  });

  test('is refused with one error that lists missing and bad names, values and what was wanted', () => {
    expect(() => readEnvironment({ MINUTES: 'soon', SHARE: '2' }, spec)).toThrow(
      new Error(
        'Missing required environment variables: URL. ' +
          'Bad environment variables: MINUTES is "soon", wanted a whole number from 1 to 60; ' +
          'SHARE is "2", wanted a share from 0 to 1',
      ),
    );
  });

  test.each([
    ['MINUTES', '1', 1],
    ['MINUTES', '60', 60],
    ['SHARE', '0', 0],
    ['SHARE', '1', 1],
  ])('takes %s of %s, the last value inside', (name, value, number) => {
    expect(readEnvironment({ ...good, [name]: value }, spec)).toMatchObject({ [name]: number });
  });

  test.each([
    ['MINUTES', '0'],
    ['MINUTES', '61'],
    ['MINUTES', '1.5'],
    ['MINUTES', ' '],
    ['MINUTES', 'Infinity'],
    ['SHARE', '-0.01'],
    ['SHARE', '1.01'],
    ['SHARE', ' '],
    ['SHARE', 'NaN'],
  ])('refuses %s of "%s", the first value outside', (name, value) => {
    expect(() => readEnvironment({ ...good, [name]: value }, spec)).toThrow(`${name} is "${value}", wanted a`);
  });
});
