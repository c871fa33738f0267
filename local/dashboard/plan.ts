import type { Resolved } from '../alarm-plan.ts';

/** The dashboard of the template, as CloudWatch would draw it. */
export type DashboardPlan = { readonly name: string; readonly widgets: readonly WidgetPlan[] };

type Place = { readonly id: string; readonly x: number; readonly y: number; readonly width: number };
export type WidgetPlan = AlarmWidget | MetricWidget | CustomWidget | TextWidget;
export type AlarmWidget = Place & {
  readonly type: 'alarm';
  readonly title: string;
  readonly alarms: readonly string[];
};
export type TextWidget = Place & { readonly type: 'text'; readonly markdown: string };
export type CustomWidget = Place & {
  readonly type: 'custom';
  readonly title: string;
  readonly endpoint: string;
  readonly params: object;
};
export type MetricWidget = Place & {
  readonly type: 'metric';
  readonly title: string;
  readonly view: 'timeSeries' | 'singleValue';
  /** As the body of a dashboard has them. See values.ts. */
  readonly metrics: readonly (readonly unknown[])[];
  readonly periodMs: number;
  readonly annotations: readonly Annotation[];
};
export type Annotation = { readonly value: number; readonly label: string };

type Properties = Readonly<Record<string, unknown>>;
type Widget = { type: string; x: number; y: number; width: number; properties: Properties };

/**
 * Reads the one dashboard of a template; undefined where there is none. What is not understood is an error that names it.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
export function planDashboard(dashboards: readonly Resolved[]): DashboardPlan | undefined {
  const [first] = dashboards;
  if (!first) return undefined;
  if (dashboards.length > 1) throw new Error(`The template has ${dashboards.length} dashboards, wanted 1`);
  const [, { DashboardName, DashboardBody }] = first;
  const { widgets } = JSON.parse(String(DashboardBody)) as { widgets: Widget[] };
  return { name: String(DashboardName), widgets: widgets.map(planWidget) };
}

function planWidget({ type, x, y, width, properties }: Widget, index: number): WidgetPlan {
  const place = { id: `widget-${index}`, x, y, width };
  const title = String(properties['title'] ?? '');
  switch (type) {
    case 'alarm':
      return { ...place, type, title, alarms: properties['alarms'] as string[] };
    case 'text':
      return { ...place, type, markdown: String(properties['markdown']) };
    case 'custom': {
      const { endpoint, params = {} } = properties;
      return { ...place, type, title, endpoint: String(endpoint), params: params as object };
    }
    case 'metric':
      return { ...place, type, title, ...planMetric(title, properties) };
    default:
      throw new Error(`The local dashboard does not understand widgets of type ${type}`);
  }
}

function planMetric(title: string, properties: Properties) {
  const { view = 'timeSeries', metrics, period = 300, annotations = {} } = properties;
  if (view !== 'timeSeries' && view !== 'singleValue') {
    throw new Error(`${title}: the local dashboard does not understand the view ${view}`);
  }
  const { horizontal = [] } = annotations as { horizontal?: { value: number; label?: string }[] };
  return {
    view: view as MetricWidget['view'],
    metrics: metrics as unknown[][],
    periodMs: Number(period) * 1_000,
    annotations: horizontal.map(({ value, label = '' }) => ({ value, label })),
  };
}
