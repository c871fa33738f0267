import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { AlarmPlan } from '../../local/alarm-plan.ts';
import { parseAlarmRule } from '../../local/alarm-rule.ts';
import { createAlarms } from '../../local/alarms.ts';
import { createMetrics, type Sample } from '../../local/metrics.ts';

const METRIC = { namespace: 'N', dimensions: {} };
const told = { ALARM: ['notifier'], OK: ['notifier'], INSUFFICIENT_DATA: [] };
const nobody = { ALARM: [], OK: [], INSUFFICIENT_DATA: [] };

/** Alarms on any value above 0 of a minute. */
const onMetric = (name: string): AlarmPlan => ({
  ...{ type: 'MetricAlarm', name, description: '', properties: {}, told: nobody, periodMs: 60_000 },
  value: { metric: { ...METRIC, name }, statistic: 'Maximum' },
  condition: {
    ...{ threshold: 0, comparison: 'GreaterThanThreshold', evaluationPeriods: 1, datapointsToAlarm: 1 },
    treatMissingData: 'ignore',
  },
});
const onRule = (name: string, rule: string, suppressor?: string): AlarmPlan => ({
  ...{ type: 'CompositeAlarm', name, description: '', properties: {}, told },
  rule: parseAlarmRule(rule),
  suppressor: suppressor ? { name: suppressor, waitMs: 120_000, extensionMs: 300_000 } : undefined,
});

let said: string[];
let alarms: ReturnType<typeof createAlarms>;
let running: { stop(): Promise<void> };
let add: (sample: Pick<Sample, 'name' | 'value'>) => void;

beforeEach(() => {
  jest.useFakeTimers();
  said = [];
  const metrics = createMetrics(3_600_000);
  add = (sample) => metrics.add({ ...METRIC, ...sample, at: Date.now() });
  alarms = createAlarms({
    plans: [
      ...['outage', 'symptom'].map(onMetric),
      onRule('cause', 'ALARM("outage")'),
      onRule('alert', 'ALARM("symptom")', 'cause'),
    ],
    ...{ metrics, timeScale: 1, visibleMessages: () => [] },
    tell: async (_function, event) => {
      const { AlarmName, NewStateValue } = JSON.parse(
        (event as { Records: { Sns: { Message: string } }[] }).Records[0]?.Sns.Message ?? '',
      );
      said.push(`${AlarmName} ${NewStateValue}`);
    },
  });
  running = alarms.start();
});
afterEach(async () => {
  await running.stop();
  jest.useRealTimers();
});

const stateOf = (name: string) => alarms.list().find((alarm) => alarm.name === name)?.state;
/** Every minute from now on, for so long. */
async function report(values: Readonly<Record<string, number>>, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    for (const [name, value] of Object.entries(values)) add({ name, value });
    await jest.advanceTimersByTimeAsync(60_000);
  }
}

describe('a composite alarm', () => {
  it('follows its rule, and says nothing of a first OK', async () => {
    await report({ outage: 0, symptom: 0 }, 2);
    expect(stateOf('cause')).toBe('OK');
    await report({ outage: 1 }, 2);
    await report({ outage: 0 }, 2);
    expect(said).toEqual(['cause ALARM', 'cause OK']);
    expect(alarms.list().find(({ name }) => name === 'cause')?.reason).toMatch(
      /^arn:aws:cloudwatch:us-east-1:000000000000:alarm:outage transitioned to OK at \w+,? \d+ \w+ \d{4} [\d:]{8} UTC$/,
    );
  });

  it('is told when its suppressor has not followed in time', async () => {
    await report({ outage: 0, symptom: 1 }, 1);
    expect(stateOf('alert')).toBe('ALARM');
    expect(said).toEqual([]);
    await report({ outage: 0, symptom: 1 }, 2);
    expect(said).toEqual(['alert ALARM']);
  });

  it('is never told when it begins before its suppressor and ends soon after it', async () => {
    await report({ outage: 0, symptom: 1 }, 1);
    await report({ outage: 1, symptom: 1 }, 5);
    await report({ outage: 0, symptom: 1 }, 3);
    await report({ outage: 0, symptom: 0 }, 10);
    expect(stateOf('alert')).toBe('OK');
    expect(said).toEqual(['cause ALARM', 'cause OK']);
  });

  it('is told when it outlasts its suppressor', async () => {
    await report({ outage: 1, symptom: 1 }, 3);
    await report({ outage: 0, symptom: 1 }, 8);
    expect(said).toEqual(['cause ALARM', 'cause OK', 'alert ALARM']);
  });

  it('stays as it was set by hand until its rule turns', async () => {
    await report({ outage: 0 }, 2);
    expect(alarms.set('cause', 'ALARM', 'by hand')).toEqual(['notifier']);
    await report({ outage: 0 }, 2);
    expect(stateOf('cause')).toBe('ALARM');
    await report({ outage: 1 }, 2);
    await report({ outage: 0 }, 2);
    expect(said).toEqual(['cause ALARM', 'cause OK']);
  });
});
