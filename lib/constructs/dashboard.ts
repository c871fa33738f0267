import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Dashboard as CloudWatchDashboard, PeriodOverride } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { AlarmTopic } from './alarm-topic.ts';
import { apiCharts } from './dashboard-api.ts';
import { functionCharts, type Monitors } from './dashboard-functions.ts';
import { overview } from './dashboard-overview.ts';
import { FULL_WIDTH, heading } from './dashboard-parts.ts';
import { deadLetterCharts, jobCharts } from './dashboard-queue.ts';
import type { DashboardTables } from './dashboard-tables.ts';
import { dashboardName, dashboardUrl } from './dashboard-url.ts';
import type { LambdaFunction } from './lambda-function.ts';

export interface DashboardProps extends Monitors {
  readonly stage: string;
  readonly alarms: AlarmTopic;
  readonly tables: DashboardTables;
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;
  readonly staleThreshold: Duration;
  /** Those whose errors, throttles and durations it shows. */
  readonly functions: readonly LambdaFunction[];
}

/**
 * The stage's dashboard: whether it is all right on the first screen, the rest below. Made last, so that it shows every
 * alarm.
 */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const { stage, alarms, tables, queue, deadLetterQueue, staleThreshold, functions } = props;
    const wide = { width: FULL_WIDTH, height: 5 };
    const tall = { width: FULL_WIDTH, height: 8 };
    new CloudWatchDashboard(this, 'Dashboard', {
      dashboardName: dashboardName(stage),
      defaultInterval: Duration.hours(3),
      // The charts' own periods: 'auto' would make five-minute sums of one minute.
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        ...overview(stage, alarms.told, queue, deadLetterQueue),
        [tables.table('stale-jobs', 'Stale jobs', wide)],
        [tables.table('dead-letters', 'Dead letters', wide)],
        [heading('## Jobs and their queue')],
        ...jobCharts(stage, queue, staleThreshold),
        [heading('## Dead letters and alerts')],
        ...deadLetterCharts(stage, deadLetterQueue),
        [heading('## The API')],
        ...apiCharts(stage),
        [heading('## Who calls, and what happened')],
        [tables.table('callers', 'Busiest callers', wide)],
        [tables.table('events', 'Latest events', tall)],
        [heading('## The machinery')],
        ...functionCharts(stage, props, functions),
      ],
    });
    new CfnOutput(this, 'Url', {
      value: dashboardUrl(this, stage),
      description: 'The dashboard in the console',
    }).overrideLogicalId('DashboardUrl');
  }
}
