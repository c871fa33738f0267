import { Duration } from 'aws-cdk-lib';
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { AlarmTopic, Symptom, WatchProps } from './alarm-topic.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { metricTotal } from './metric-total.ts';

const PERIOD = Duration.minutes(5);

export interface FunctionAlarmsProps {
  readonly alarms: AlarmTopic;
  readonly health: LambdaFunction;
  readonly queueStatus: LambdaFunction;
  readonly rateLimitCleanup: LambdaFunction;
  /** Every function of the stack, these among them. */
  readonly all: readonly LambdaFunction[];
}

/** Errors of the functions that have no alarms of their own elsewhere, and throttles of all. */
export class FunctionAlarms extends Construct {
  /** What an outage of the database brings about, still to be told. */
  readonly symptoms: readonly Symptom[];

  constructor(scope: Construct, id: string, props: FunctionAlarmsProps) {
    super(scope, id);
    const { alarms, health, queueStatus, rateLimitCleanup, all } = props;
    const crash = 'did not start, or did not end in time; its caller got 502.';
    alarms.watch(this, 'Health', errors(health, `A call of health ${crash}`, 'health-errors'));
    alarms.watch(this, 'QueueStatus', errors(queueStatus, `A call of queue-status ${crash}`, 'queue-status-errors'));
    const cleanup = 'Old records of requests were not deleted. The next run, an hour later, deletes them too.';
    this.symptoms = [
      alarms.notice(this, 'RateLimitCleanup', errors(rateLimitCleanup, cleanup, 'rate-limit-cleanup-errors')),
    ];
    const throttles = all.map((one, index) => [
      `throttles${index}`,
      one.function.metricThrottles({ period: PERIOD, statistic: Stats.SUM }),
    ]);
    alarms.watch(this, 'Throttles', {
      meaning: 'Lambda refused to run a function: the concurrency of the account, or of the function, is used up.',
      runbookEntry: 'function-throttles',
      metric: metricTotal(Object.fromEntries(throttles), PERIOD, 'Calls that Lambda refused'),
      threshold: 1,
      evaluationPeriods: 1,
      // Nothing was called.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

function errors(target: LambdaFunction, meaning: string, runbookEntry: string): WatchProps {
  return {
    meaning,
    runbookEntry,
    metric: target.function.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
    threshold: 1,
    evaluationPeriods: 1,
    // Lambda writes it only when it runs the function.
    treatMissingData: TreatMissingData.NOT_BREACHING,
  };
}
