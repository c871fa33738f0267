import type { Duration } from 'aws-cdk-lib';
import { type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import * as notifier from '../../lambdas/alarm-notifier/env.ts';
import * as dlq from '../../lambdas/dlq-monitor/env.ts';
import * as stale from '../../lambdas/stale-job-monitor/env.ts';
import { chart, metricsOf, PERIOD } from './dashboard-parts.ts';

/** As the alarm has it: a long weekend before SQS deletes a message. */
const NEAR_EXPIRY_HOURS = 72;
const ABOVE_0 = [{ value: 0, label: 'alarm above 0' }];

/** Jobs, their recovery and their queue. */
export function jobCharts(stage: string, queue: IQueue, staleThreshold: Duration): IWidget[][] {
  const metric = metricsOf(stage, stale.SERVICE);
  const { METRICS } = stale;
  const atMost = { statistic: Stats.MAXIMUM, period: PERIOD };
  return [
    [
      chart('Stale jobs, and what became of them', {
        left: [
          metric(METRICS.detected, Stats.MAXIMUM, 'Stale'),
          metric(METRICS.recovered, Stats.SUM, 'Recovered'),
          metric(METRICS.failed, Stats.SUM, 'Failed for good'),
        ],
        leftAnnotations: ABOVE_0,
      }),
      chart('How long the longest has been stale, s', {
        left: [metric(METRICS.oldestStaleAge, Stats.MAXIMUM, `After ${staleThreshold.toMinutes()} silent minutes`)],
      }),
      chart('Messages sent for recovered jobs', {
        left: [
          metric(METRICS.dispatched, Stats.SUM, 'Sent'),
          metric(METRICS.dispatchFailures, Stats.SUM, 'Not taken by SQS (alarm above 0)'),
          metric(METRICS.lateCompletions, Stats.SUM, 'Late completions refused'),
        ],
      }),
    ],
    [
      chart('Messages in the job queue', {
        left: [
          queue.metricApproximateNumberOfMessagesVisible({ ...atMost, label: 'Waiting' }),
          queue.metricApproximateNumberOfMessagesNotVisible({ ...atMost, label: 'With a worker' }),
        ],
      }),
      chart('Age of the oldest waiting message, s', {
        left: [queue.metricApproximateAgeOfOldestMessage({ ...atMost, label: 'Oldest' })],
      }),
      chart('Outage suspected (1 is yes)', {
        left: [metric(METRICS.breakerOpen, Stats.MAXIMUM, 'Most running jobs are stale at once')],
        leftAnnotations: ABOVE_0,
      }),
    ],
  ];
}

/** The dead-letter queue, and whether people hear of it. */
export function deadLetterCharts(stage: string, deadLetterQueue: IQueue): IWidget[][] {
  const metric = metricsOf(stage, dlq.SERVICE);
  const { METRICS } = dlq;
  const ofNotifier = metricsOf(stage, notifier.SERVICE);
  const atMost = { statistic: Stats.MAXIMUM, period: PERIOD };
  const seconds = metric(METRICS.oldestExpiry, Stats.MINIMUM, 'Seconds');
  return [
    [
      chart('Dead letters', {
        left: [
          deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...atMost, label: 'In the queue' }),
          metric(METRICS.fresh, Stats.SUM, 'New'),
        ],
        leftAnnotations: ABOVE_0,
      }),
      chart('Hours until SQS deletes the first of them', {
        left: [
          new MathExpression({
            expression: 'seconds / 3600',
            usingMetrics: { seconds },
            period: PERIOD,
            label: 'First to expire',
          }),
        ],
        leftAnnotations: [{ value: NEAR_EXPIRY_HOURS, label: 'alarm below 3 days' }],
      }),
      chart('Slack alerts', {
        left: [
          metric(METRICS.sent, Stats.SUM, 'Dead letters: sent'),
          metric(METRICS.failed, Stats.SUM, 'Dead letters: not taken'),
          ofNotifier(notifier.METRICS.sent, Stats.SUM, 'Alarms: sent'),
          ofNotifier(notifier.METRICS.failed, Stats.SUM, 'Alarms: not taken'),
        ],
      }),
    ],
  ];
}
