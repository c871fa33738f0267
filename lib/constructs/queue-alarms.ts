import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import * as notifier from '../../lambdas/alarm-notifier/env.ts';
import * as dlq from '../../lambdas/dlq-monitor/env.ts';
import * as stale from '../../lambdas/stale-job-monitor/env.ts';
import type { AlarmNotifier } from './alarm-notifier.ts';
import type { AlarmTopic } from './alarm-topic.ts';
import type { DlqMonitor } from './dlq-monitor.ts';
import { MonitorAlarms, ownMetric } from './monitor-alarms.ts';
import type { StaleJobMonitor } from './stale-job-monitor.ts';

/** The last fifth, about, of the 14 days that a dead letter is kept; a long weekend. */
const NEAR_EXPIRY = Duration.days(3);
const FIVE_MINUTES = Duration.minutes(5);
const ABOVE = ComparisonOperator.GREATER_THAN_THRESHOLD;

export interface QueueAlarmsProps {
  readonly stage: string;
  readonly alarms: AlarmTopic;
  readonly staleJobMonitor: StaleJobMonitor;
  readonly dlqMonitor: DlqMonitor;
  readonly alarmNotifier: AlarmNotifier;
  readonly deadLetterQueue: IQueue;
}

/** The alarms of the two monitors and of the way by which alerts reach people. */
export class QueueAlarms extends Construct {
  /** The alarms of each monitor itself, which are still to be told. */
  readonly monitors: readonly MonitorAlarms[];

  constructor(scope: Construct, id: string, props: QueueAlarmsProps) {
    super(scope, id);
    this.monitors = [this.watchStaleJobs(props), this.watchDeadLetters(props)];
    this.watchDelivery(props);
  }

  private watchStaleJobs({ stage, alarms, staleJobMonitor: monitor }: QueueAlarmsProps): MonitorAlarms {
    const period = Duration.minutes(Math.max(5, monitor.period.toMinutes()));
    const metric = (name: string, statistic: string) => ownMetric(stage, stale.SERVICE, name, statistic, period);
    // A run that could not look says nothing of these; the last known state stays, and MissedRuns and Errors speak.
    const shared = {
      threshold: 0,
      comparisonOperator: ABOVE,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.IGNORE,
    };

    alarms.watch(this, 'StaleJobs', {
      ...shared,
      meaning: 'Jobs lost their worker. They are put back to work by themselves; find out why their workers died.',
      runbookEntry: 'stale-jobs',
      metric: metric(stale.METRICS.detected, Stats.MAXIMUM),
    });
    alarms.watch(this, 'BreakerOpen', {
      ...shared,
      meaning:
        'Most of the running jobs went stale at once: that is an outage of the workers, not a crash of one. Only a few jobs are recovered per run until it ends.',
      runbookEntry: 'outage-breaker-open',
      metric: metric(stale.METRICS.breakerOpen, Stats.MAXIMUM),
    });
    alarms.watch(this, 'DispatchFailures', {
      ...shared,
      meaning:
        'SQS did not take messages of recovered jobs. They are kept and sent by a later run; until then those jobs wait.',
      runbookEntry: 'dispatch-failures',
      metric: metric(stale.METRICS.dispatchFailures, Stats.SUM),
    });
    return new MonitorAlarms(this, 'StaleJobMonitor', {
      alarms,
      monitor,
      stage,
      service: stale.SERVICE,
      heartbeatMetric: stale.METRICS.heartbeat,
      atStake: 'jobs whose worker died are not put back to work',
    });
  }

  private watchDeadLetters({ stage, alarms, dlqMonitor: monitor, deadLetterQueue }: QueueAlarmsProps): MonitorAlarms {
    alarms.watch(this, 'DeadLetters', {
      meaning: 'Messages failed every attempt and are in the dead-letter queue. They will not run again without you.',
      runbookEntry: 'dead-letters',
      // SQS's own metric, so that it works when our function does not.
      metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: Stats.MAXIMUM,
      }),
      threshold: 0,
      comparisonOperator: ABOVE,
      // An empty queue shows 1 for less than a minute now and then (construct-hub#1758).
      evaluationPeriods: 2,
      // SQS stops writing the metric of a queue that has been empty for hours, and that is good.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarms.watch(this, 'DeadLetterExpiry', {
      meaning: 'SQS will delete the oldest dead letter in less than three days.',
      runbookEntry: 'dead-letter-near-expiry',
      metric: ownMetric(
        stage,
        dlq.SERVICE,
        dlq.METRICS.oldestExpiry,
        Stats.MINIMUM,
        Duration.minutes(Math.max(15, monitor.period.toMinutes())),
      ),
      threshold: NEAR_EXPIRY.toSeconds(),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      // It is written only while there are dead letters.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    return new MonitorAlarms(this, 'DlqMonitor', {
      alarms,
      monitor,
      stage,
      service: dlq.SERVICE,
      heartbeatMetric: dlq.METRICS.heartbeat,
      atStake: 'dead letters go unseen',
    });
  }

  private watchDelivery({ stage, alarms, alarmNotifier }: QueueAlarmsProps): void {
    const shared = { threshold: 0, comparisonOperator: ABOVE, evaluationPeriods: 1 };
    alarms.watch(this, 'AlertDelivery', {
      ...shared,
      meaning:
        'Slack did not take an alert about dead letters. The next run tries again; the log says what Slack answered.',
      runbookEntry: 'alert-delivery-failed',
      metric: ownMetric(stage, dlq.SERVICE, dlq.METRICS.failed, Stats.SUM, FIVE_MINUTES),
      // Written by each run: without one, nothing is known to have changed.
      treatMissingData: TreatMissingData.IGNORE,
    });
    alarms.watch(this, 'AlarmDelivery', {
      ...shared,
      meaning: 'An alarm did not reach Slack. It reached the addresses in ALARM_EMAILS, if there are any.',
      runbookEntry: notifier.OWN_ALARMS.delivery,
      metric: ownMetric(stage, notifier.SERVICE, notifier.METRICS.failed, Stats.SUM, FIVE_MINUTES),
      // Written only when an alarm changes.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarms.watch(this, 'NotifierErrors', {
      ...shared,
      meaning: 'The function that passes alarms on to Slack failed. It is tried twice more.',
      runbookEntry: notifier.OWN_ALARMS.errors,
      metric: alarmNotifier.function.metricErrors({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      // Lambda writes it only when it runs the function.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
