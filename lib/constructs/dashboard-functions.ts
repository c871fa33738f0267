import { Duration } from 'aws-cdk-lib';
import { type IWidget, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import * as dlq from '../../lambdas/dlq-monitor/env.ts';
import * as stale from '../../lambdas/stale-job-monitor/env.ts';
import { chart, PERIOD } from './dashboard-parts.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { ownMetric } from './monitor-alarms.ts';
import type { ScheduledFunction } from './scheduled-function.ts';

/** Long enough to hold some runs of a monitor, so that one late run is no dent. */
const RUNS_PERIOD = Duration.hours(1);
const UPTIME_ALARM_PERCENT = 99;

export interface Monitors {
  readonly staleJobMonitor: ScheduledFunction;
  readonly dlqMonitor: ScheduledFunction;
}

/** Whether the monitors run, and how the functions fare. */
export function functionCharts(stage: string, monitors: Monitors, functions: readonly LambdaFunction[]): IWidget[][] {
  const each = (metricName: string, statistic: string) =>
    functions.map((one) => one.function.metric(metricName, { statistic, period: PERIOD, label: one.name }));
  return [
    [
      chart('Runs of the monitors that went well, % of those due', {
        left: [
          runs(stage, stale.SERVICE, stale.METRICS.heartbeat, monitors.staleJobMonitor),
          runs(stage, dlq.SERVICE, dlq.METRICS.heartbeat, monitors.dlqMonitor),
        ],
        leftAnnotations: [{ value: UPTIME_ALARM_PERCENT, label: `alarm below ${UPTIME_ALARM_PERCENT} % of a day` }],
        period: RUNS_PERIOD,
      }),
      chart('Runs of functions that failed', {
        left: each('Errors', Stats.SUM),
        leftAnnotations: [{ value: 0, label: 'alarm above 0' }],
      }),
      chart('Runs of functions that were refused (throttled)', {
        left: each('Throttles', Stats.SUM),
        leftAnnotations: [{ value: 0, label: 'alarm above 0' }],
      }),
    ],
    [chart('How long functions run, ms (the longest run)', { left: each('Duration', Stats.MAXIMUM), width: 24 })],
  ];
}

/** Heartbeats against the runs that were due, so that an hour that is not over is no outage. */
function runs(stage: string, service: string, heartbeat: string, monitor: ScheduledFunction): MathExpression {
  const [good, due] = [`good_${service}`, `due_${service}`].map((id) => id.replaceAll('-', '_')) as [string, string];
  return new MathExpression({
    expression: `IF(${due} > 0, 100 * FILL(${good}, 0) / ${due}, 100)`,
    usingMetrics: {
      [good]: ownMetric(stage, service, heartbeat, Stats.SUM, RUNS_PERIOD),
      [due]: new Metric({
        namespace: 'AWS/Events',
        metricName: 'Invocations',
        dimensionsMap: { RuleName: monitor.rule.ruleName },
        statistic: Stats.SUM,
        period: RUNS_PERIOD,
      }),
    },
    period: RUNS_PERIOD,
    label: service,
  });
}
