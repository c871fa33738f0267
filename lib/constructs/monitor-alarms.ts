import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { METRICS_NAMESPACE } from '../../lambdas/shared/metric-names.ts';
import type { AlarmTopic, Symptom } from './alarm-topic.ts';
import type { ScheduledFunction } from './scheduled-function.ts';

/** A metric that a function writes itself. */
export function ownMetric(stage: string, service: string, metricName: string, statistic: string, period: Duration) {
  return new Metric({ namespace: METRICS_NAMESPACE, metricName, dimensionsMap: { service, stage }, statistic, period });
}

export interface MonitorAlarmsProps {
  readonly alarms: AlarmTopic;
  readonly monitor: ScheduledFunction;
  readonly stage: string;
  /** Its service name and the metric that it writes last, only when all went well. */
  readonly service: string;
  readonly heartbeatMetric: string;
  /** What goes unseen while it does not run. */
  readonly atStake: string;
}

/**
 * Who watches a monitor: missed runs, uptime over a day, and errors. None of them needs its code to work. An outage of the
 * database shows in all three, and is told once: see database-down.ts.
 */
export class MonitorAlarms extends Construct {
  readonly missedRuns: Symptom;
  readonly uptime: Symptom;
  readonly errors: Symptom;

  constructor(scope: Construct, id: string, props: MonitorAlarmsProps) {
    super(scope, id);
    const { alarms, monitor, stage, service, heartbeatMetric, atStake } = props;
    const day = Duration.days(1);

    this.missedRuns = alarms.notice(this, 'MissedRuns', {
      meaning: `The ${service} has not finished a run for two periods: ${atStake}.`,
      runbookEntry: `${service}-missed-runs`,
      metric: ownMetric(stage, service, heartbeatMetric, Stats.SUM, monitor.period),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: 2,
      // No heartbeat is exactly what this is about (construct-hub's NotRunning alarm).
      treatMissingData: TreatMissingData.BREACHING,
    });

    this.uptime = alarms.notice(this, 'Uptime', {
      meaning: `Less than 99 % of the runs of the ${service} went well over the last day.`,
      runbookEntry: `${service}-uptime`,
      metric: new MathExpression({
        // Against the runs that were due, so that the first day of a new stack is no outage.
        expression: 'IF(due > 0, 100 * FILL(good, 0) / due, 100)',
        usingMetrics: {
          good: ownMetric(stage, service, heartbeatMetric, Stats.SUM, day),
          due: new Metric({
            namespace: 'AWS/Events',
            metricName: 'Invocations',
            dimensionsMap: { RuleName: monitor.rule.ruleName },
            statistic: Stats.SUM,
            period: day,
          }),
        },
        period: day,
        label: 'Runs that went well, %',
      }),
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 99,
      evaluationPeriods: 1,
      // No run was due for a whole day: the schedule is gone.
      treatMissingData: TreatMissingData.BREACHING,
    });

    this.errors = alarms.notice(this, 'Errors', {
      meaning: `A run of the ${service} failed, wholly or in part. What was not done is kept for the next run; its log says why.`,
      runbookEntry: `${service}-errors`,
      metric: monitor.function.metricErrors({ period: Duration.minutes(5), statistic: Stats.SUM }),
      threshold: 1,
      evaluationPeriods: 1,
      // Lambda writes this metric only when it runs the function; that it does not is MissedRuns' to say.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
