import { CfnOutput, Duration } from 'aws-cdk-lib';
import { CustomWidget, type IWidget, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WIDGETS } from '../../lambdas/dashboard-widget/env.ts';
import type { AlarmTopic } from './alarm-topic.ts';
import { DashboardAction } from './dashboard-action.ts';
import { DashboardWidget, type DashboardWidgetProps } from './dashboard-widget.ts';
import { metricTotal } from './metric-total.ts';

export interface DashboardTablesProps extends Omit<DashboardWidgetProps, 'action'> {
  /** Where redriven messages go. */
  readonly queue: IQueue;
  readonly alarms: AlarmTopic;
}

/** The tables of the dashboard: the function that draws them, the one behind their buttons, and who may do which. */
export class DashboardTables extends Construct {
  readonly widget: DashboardWidget;
  readonly action: DashboardAction;

  constructor(scope: Construct, id: string, props: DashboardTablesProps) {
    super(scope, id);
    this.action = new DashboardAction(this, 'Action', props);
    this.widget = new DashboardWidget(this, 'Widget', { ...props, action: this.action });
    this.watch(props.alarms);
    this.allowPeople('View', 'May look at the tables of the dashboard', [this.widget]);
    this.allowPeople('Operate', 'May also press their buttons', [this.widget, this.action]);
  }

  /** A table for the dashboard. CloudWatch calls the function with the rights of the one who looks at it. */
  table(view: (typeof WIDGETS)[number], title: string, size: { width: number; height: number }): IWidget {
    return new CustomWidget({ ...size, title, functionArn: this.widget.alias.functionArn, params: { view } });
  }

  private watch(alarms: AlarmTopic): void {
    const period = Duration.minutes(5);
    const errors = { period, statistic: Stats.SUM };
    alarms.watch(this, 'Errors', {
      meaning: 'A table of the dashboard, or one of its buttons, did not work: its function broke or took too long.',
      runbookEntry: 'dashboard-errors',
      metric: metricTotal(
        {
          dashboardWidget: this.widget.function.metricErrors(errors),
          dashboardAction: this.action.function.metricErrors(errors),
        },
        period,
        'Failed calls of the dashboard',
      ),
      threshold: 1,
      evaluationPeriods: 1,
      // Nobody looked at it.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** A policy to attach to people. */
  private allowPeople(id: 'View' | 'Operate', description: string, functions: readonly DashboardFunction[]): void {
    const resources = functions.map(({ alias }) => alias.functionArn);
    const policy = new ManagedPolicy(this, id, {
      description,
      statements: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources })],
    });
    new CfnOutput(this, `${id}Policy`, { value: policy.managedPolicyArn, description }).overrideLogicalId(
      `Dashboard${id}Policy`,
    );
  }
}

type DashboardFunction = DashboardWidget | DashboardAction;
