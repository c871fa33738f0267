import { Duration } from 'aws-cdk-lib';
import {
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  LegendPosition,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { ownMetric } from './monitor-alarms.ts';

/** Widths and heights are in the dashboard's grid, which is 24 wide. */
export const FULL_WIDTH = 24;
const THIRD = 8;
const CHART_HEIGHT = 6;

/** The period of the charts: no monitor writes more often than every few minutes. */
export const PERIOD = Duration.minutes(5);

/** A chart, three of them in a row. Its axis begins at 0, so that a small change looks small. */
export function chart(title: string, props: Omit<GraphWidgetProps, 'title'>): GraphWidget {
  return new GraphWidget({
    width: THIRD,
    height: CHART_HEIGHT,
    leftYAxis: { min: 0, showUnits: false },
    legendPosition: LegendPosition.BOTTOM,
    period: PERIOD,
    ...props,
    title,
  });
}

export function heading(markdown: string): TextWidget {
  return new TextWidget({ markdown, width: FULL_WIDTH, height: 1 });
}

/** Makes labelled metrics of one function. */
export function metricsOf(stage: string, service: string) {
  return (name: string, statistic: string, label: string): IMetric =>
    ownMetric(stage, service, name, statistic, PERIOD).with({ label });
}
