import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { alarmMessage } from '../../lambdas/alarm-notifier/message.ts';
import { expectSlackTakes } from './block-kit.ts';
import { expectGolden } from './golden.ts';
import { hostileText } from './hostile-text.ts';

/** What CloudWatch publishes for an alarm on the depth of the dead-letter queue. */
function anAlarm(overrides: Record<string, unknown> = {}) {
  return {
    AlarmName: 'Queuekeeper-dead-letters',
    AlarmDescription:
      'Messages are in the dead-letter queue: jobs failed every attempt.\nRunbook: https://example.com/docs/runbook.md#dead-letters',
    AWSAccountId: '123456789012',
    AlarmConfigurationUpdatedTimestamp: '2026-11-20T10:00:00.000+0000',
    NewStateValue: 'ALARM',
    NewStateReason:
      'Threshold Crossed: 2 out of the last 2 datapoints [3.0 (24/11/26 15:00:00), 1.0 (24/11/26 14:59:00)] were greater than the threshold (0.0) (minimum 2 datapoints for OK -> ALARM transition).',
    StateChangeTime: '2026-11-24T15:01:07.123+0000',
    Region: 'US East (N. Virginia)',
    AlarmArn: 'arn:aws:cloudwatch:us-east-1:123456789012:alarm:Queuekeeper-dead-letters',
    OldStateValue: 'OK',
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    Trigger: {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Namespace: 'AWS/SQS',
      StatisticType: 'Statistic',
      Statistic: 'MAXIMUM',
      Dimensions: [{ value: 'queuekeeper-jobs-dlq', name: 'QueueName' }],
      Period: 60,
      EvaluationPeriods: 2,
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
      TreatMissingData: 'notBreaching',
    },
    ...overrides,
  };
}

function render(alarm: unknown, subject?: string) {
  const message = alarmMessage({ subject, message: typeof alarm === 'string' ? alarm : JSON.stringify(alarm) });
  expectSlackTakes(message);
  return message;
}

describe('each kind of message is what a person has read, and Slack takes it', () => {
  test.each([
    ['alarm', anAlarm()],
    [
      'alarm-ok',
      anAlarm({
        NewStateValue: 'OK',
        OldStateValue: 'ALARM',
        NewStateReason:
          'Threshold Crossed: 1 datapoint [0.0 (24/11/26 16:00:00)] was not greater than the threshold (0.0).',
      }),
    ],
    [
      'alarm-no-data',
      anAlarm({
        NewStateValue: 'INSUFFICIENT_DATA',
        NewStateReason: 'Insufficient Data: 1 datapoint was unknown.',
      }),
    ],
    ['alarm-nothing-but-a-name', { AlarmName: 'Bare', NewStateValue: 'ALARM' }],
    ['alarm-not-json', 'The topic’s owner says <!channel> hello & good-bye'],
  ])('%s', (name, alarm) => {
    expectGolden(name, render(alarm));
  });
});

test('the first data of a new alarm are no end of anything', () => {
  const shown = JSON.stringify(render(anAlarm({ NewStateValue: 'OK', OldStateValue: 'INSUFFICIENT_DATA' })));
  expect(shown).toContain('✅ OK: ');
  expect(shown).toContain('This is not so:');
  expect(shown).not.toMatch(/again|is over/);
});

test.each([
  ['1 datapoint [1.0 (24/11/26 15:00:00)] was', '1 (alarms above 0)'],
  ['1 datapoint [98.61111 (24/11/26 15:00:00)] was', '98.61111 (alarms above 0)'],
  ['1 datapoint [1.5E-4 (24/11/26 15:00:00)] was', '0.00015 (alarms above 0)'],
  ['no datapoints were received', 'not known (alarms above 0)'],
])('the value of the reason %j is shown as %j', (reason, value) => {
  expect(JSON.stringify(render(anAlarm({ NewStateReason: reason })))).toContain(value);
});

test.each([
  [
    'arn:aws:cloudwatch:eu-west-1:1:alarm:a b/c',
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/a%20b%2Fc',
  ],
  ['arn:aws-cn:cloudwatch:cn-north-1:1:alarm:a', 'https://cn-north-1.console.amazonaws.cn/cloudwatch/'],
  [
    'arn:aws-us-gov:cloudwatch:us-gov-west-1:1:alarm:a',
    'https://us-gov-west-1.console.amazonaws-us-gov.com/cloudwatch/',
  ],
])('the alarm %s is linked to in its own console', (arn, url) => {
  expect(JSON.stringify(render(anAlarm({ AlarmArn: arn })))).toContain(url);
});

test('a runbook that is no web page is left in the words', () => {
  const message = JSON.stringify(render(anAlarm({ AlarmDescription: 'Words\nRunbook: javascript:alert(1)' })));
  expect(message).not.toContain('<javascript');
  expect(message).toContain('Words');
});

test.each(['', '[]', 'null', '"text"', '{"AlarmName":3}', '{"AlarmName":"a"}', '{"NewStateValue":"OK"}'])(
  '%j is passed on, since it is no alarm',
  (message) => {
    expect(JSON.stringify(render(message))).toContain('passed on as it came');
  },
);

test('a message of 256 KB is cut, and says so', () => {
  expect(JSON.stringify(render('word '.repeat(50_000), 'Big'))).toContain('it has 250000 characters');
});

test('whatever the notification holds, Slack takes it and nobody is pinged', () => {
  const anything = fc.oneof(hostileText, fc.jsonValue());
  const alarm = fc.record(Object.fromEntries(Object.keys(anAlarm()).map((key) => [key, anything])), {
    requiredKeys: [],
  });
  const hostile = fc.oneof(
    hostileText,
    alarm,
    fc
      .record({ name: hostileText })
      .map(({ name }) => anAlarm({ AlarmName: name, AlarmDescription: name, NewStateReason: name, Region: name })),
  );
  fc.assert(
    fc.property(hostile, hostileText, (notification, subject) => {
      expect(JSON.stringify(render(notification, subject))).not.toMatch(/<[!@#](?!date\^)|<https?:\/\/evil/);
    }),
    { numRuns: 200 },
  );
});
