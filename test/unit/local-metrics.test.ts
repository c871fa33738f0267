import { describe, expect, it } from '@jest/globals';
import { createMetrics, readMetrics } from '../../local/metrics.ts';

const DEPTH = { namespace: 'AWS/SQS', name: 'Depth', dimensions: { QueueName: 'dead', Stage: 'local' } };
const sameInAnotherOrder = { ...DEPTH, dimensions: { Stage: 'local', QueueName: 'dead' } };

describe('local metrics', () => {
  const metrics = createMetrics(1_000);
  for (const [at, value] of [
    [100, 1],
    [200, 5],
    [300, 3],
  ] as const)
    metrics.add({ ...DEPTH, at, value });

  it.each([
    ['Sum', 9],
    ['Average', 3],
    ['Maximum', 5],
    ['Minimum', 1],
    ['SampleCount', 3],
    ['p50', 3],
    ['p99', 5],
    ['p0', 1],
  ])('have the statistic %s', (name, value) => {
    expect(metrics.statistic(sameInAnotherOrder, name, { from: 0, to: 300 })).toBe(value);
  });

  it('count a sample at the end of a period in it, and one at its beginning in the period before', () => {
    expect(metrics.statistic(DEPTH, 'Sum', { from: 100, to: 200 })).toBe(5);
  });

  it('name a statistic that is not understood', () => {
    expect(() => metrics.statistic(DEPTH, 'TM(10%:90%)', { from: 0, to: 300 })).toThrow('TM(10%:90%)');
  });

  it('are forgotten after their time, and listed once each', () => {
    const short = createMetrics(1_000);
    for (const at of [0, 500, 1_400]) short.add({ ...DEPTH, at, value: 1 });
    expect(short.statistic(DEPTH, 'SampleCount', { from: -1, to: 2_000 })).toBe(2);
    short.add({ ...sameInAnotherOrder, at: 1_500, value: 1 });
    expect(short.list()).toEqual([DEPTH]);
  });

  it('are unknown, not 0, where nothing came in', () => {
    expect(metrics.statistic(DEPTH, 'Sum', { from: 300, to: 400 })).toBeUndefined();
    expect(metrics.statistic({ ...DEPTH, dimensions: {} }, 'Sum', { from: 0, to: 400 })).toBeUndefined();
  });
});

describe('a line of a function', () => {
  const _aws = {
    Timestamp: 7,
    CloudWatchMetrics: [
      { Namespace: 'Queuekeeper', Dimensions: [['service']], Metrics: [{ Name: 'A' }, { Name: 'B' }] },
    ],
  };
  it('in the embedded metric format has each value of each metric', () => {
    const about = { namespace: 'Queuekeeper', dimensions: { service: 'monitor' }, at: 7 };
    expect(readMetrics(JSON.stringify({ _aws, service: 'monitor', A: 1, B: [2, 3] }))).toEqual([
      { ...about, name: 'A', value: 1 },
      { ...about, name: 'B', value: 2 },
      { ...about, name: 'B', value: 3 },
    ]);
  });

  it.each(['plain', '{"message":"Found 2"}', '{"CloudWatchMetrics" broken', '{"_aws":{}}'])('%s has none', (line) => {
    expect(readMetrics(line)).toEqual([]);
  });
});
