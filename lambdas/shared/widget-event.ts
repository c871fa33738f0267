export interface WidgetEvent {
  /** CloudWatch asks for the widget's documentation. */
  readonly isDescribe: boolean;
  /** The widget's own parameters, or those of the button that was pressed. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly theme: 'light' | 'dark';
  /** The dashboard's time range; `until` only where it does not end now. */
  readonly range: { readonly since?: Date; readonly until?: Date };
  /** Fields of the widget that a person filled in, by name. */
  readonly form: Readonly<Record<string, string>>;
  /** Where it was asked from, as the caller says it. */
  readonly dashboard: string;
  readonly account: string;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads what CloudWatch calls a custom widget with. Whoever may invoke the function may write all of it, so that
 * nothing here proves who asks.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
 */
export function readWidgetEvent(event: unknown): WidgetEvent {
  const { widgetContext, describe, ...params } = objectOf(event);
  const context = objectOf(widgetContext);
  const fields = Object.entries(objectOf(objectOf(context['forms'])['all']));
  return {
    isDescribe: describe === true,
    params,
    theme: context['theme'] === 'dark' ? 'dark' : 'light',
    range: rangeOf(objectOf(context['timeRange'])),
    form: Object.fromEntries(fields.map(([name, value]) => [name, textOf(value)])),
    dashboard: textOf(context['dashboardName']),
    account: textOf(context['accountId']),
  };
}

/** A part of the charts that is zoomed into comes before the whole. */
function rangeOf(timeRange: Json): WidgetEvent['range'] {
  const zoom = objectOf(timeRange['zoom']);
  const isZoomed = dateOf(zoom['start']) !== undefined;
  const { start, end } = isZoomed ? zoom : timeRange;
  const endsNow = !isZoomed && timeRange['mode'] !== 'absolute';
  return { since: dateOf(start), until: endsNow ? undefined : dateOf(end) };
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

/** The caller may send anything, and what is no text says nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function dateOf(value: unknown): Date | undefined {
  if (typeof value !== 'number') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
