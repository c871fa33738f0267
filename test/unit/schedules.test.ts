import { describe, expect, it, jest } from '@jest/globals';
import { periodMs, startSchedules } from '../../local/schedules.ts';

describe('the period of a schedule expression', () => {
  it.each([
    ['rate(1 minute)', 60_000],
    ['rate(2 minutes)', 120_000],
    ['rate(3 hours)', 10_800_000],
    ['rate(1 day)', 86_400_000],
  ])('%s is %i ms', (expression, ms) => {
    expect(periodMs(expression)).toBe(ms);
  });

  it.each(['cron(0 12 * * ? *)', 'rate(0 minutes)', 'rate(5 weeks)'])('%s is refused by name', (expression) => {
    expect(() => periodMs(expression)).toThrow(expression);
  });
});

it('does not start a run while the one before is still going', async () => {
  jest.useFakeTimers();
  let finish = () => {};
  const run = jest.fn((_functionName: string, _input: unknown) => new Promise<void>((resolve) => (finish = resolve)));
  const schedule = { logicalId: 'Rule', expression: 'rate(1 minute)', functionName: 'monitor', input: { tick: true } };
  const running = startSchedules({ schedules: [schedule], timeScale: 60, run, onError: () => {} });
  await jest.advanceTimersByTimeAsync(3_500);
  expect(run).toHaveBeenCalledTimes(1);
  finish();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(run).toHaveBeenCalledTimes(2);
  expect(run).toHaveBeenLastCalledWith('monitor', { tick: true });
  finish();
  jest.useRealTimers();
  await running.stop();
});

it('runs soon after the start, long before the first period is over', async () => {
  jest.useFakeTimers();
  const run = jest.fn(async () => {});
  const schedule = { logicalId: 'Rule', expression: 'rate(5 minutes)', functionName: 'monitor', input: {} };
  const running = startSchedules({ schedules: [schedule], timeScale: 1, run, onError: () => {} });
  await jest.advanceTimersByTimeAsync(1_900);
  expect(run).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(200);
  expect(run).toHaveBeenCalledTimes(1);
  jest.useRealTimers();
  await running.stop();
});
