import { AlarmStatusWidget, type IAlarm, type IWidget, SingleValueWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import * as health from '../../lambdas/health/env.ts';
import * as stale from '../../lambdas/stale-job-monitor/env.ts';
import { refusedShare, requests } from './dashboard-api.ts';
import { FULL_WIDTH, metricsOf, PERIOD } from './dashboard-parts.ts';

/** Alarms that stand side by side in the widget. */
const ALARMS_PER_ROW = 6;

/** The state of all alarms, and the few numbers that say whether it is all right. */
export function overview(stage: string, alarms: IAlarm[], queue: IQueue, deadLetterQueue: IQueue): IWidget[][] {
  const atMost = { statistic: Stats.MAXIMUM, period: PERIOD };
  const status = new AlarmStatusWidget({
    title: 'Alarms: all green is all right',
    alarms,
    width: FULL_WIDTH,
    height: 1 + Math.ceil(alarms.length / ALARMS_PER_ROW),
  });
  const numbers = new SingleValueWidget({
    title: 'Is it all right? The last 5 minutes',
    width: FULL_WIDTH,
    height: 3,
    period: PERIOD,
    metrics: [
      metricsOf(stage, stale.SERVICE)(stale.METRICS.detected, Stats.MAXIMUM, 'Stale jobs'),
      deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...atMost, label: 'Dead letters' }),
      queue.metricApproximateNumberOfMessagesVisible({ ...atMost, label: 'Messages waiting' }),
      queue.metricApproximateAgeOfOldestMessage({ ...atMost, label: 'Oldest waits, s' }),
      metricsOf(stage, health.SERVICE)(health.METRICS.unhealthy, Stats.MAXIMUM, 'Unhealthy (0: well)'),
      requests(stage),
      refusedShare(stage),
    ],
  });
  return [[status], [numbers]];
}
