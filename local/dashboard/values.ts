import { computeValue, type MetricQuery, planQuery, type ValuePlan } from '../alarm-value.ts';
import type { Metrics } from '../metrics.ts';
import type { MetricWidget } from './plan.ts';

export type Point = { readonly at: number; readonly value: number | undefined };
export type Series = { readonly label: string; readonly points: readonly Point[] };

type Options = {
  label?: string;
  id?: string;
  visible?: boolean;
  stat?: string;
  period?: number;
  expression?: string;
};
type Line = { readonly label: string; readonly periodMs: number; readonly plan: ValuePlan };

export type Span = { readonly from: number; readonly to: number; readonly steps: number };

/**
 * What a metric widget shows. Each point is the statistic of the widget's period that ends there, so that a local hour has
 * more points than CloudWatch's, and each means the same.
 */
export function seriesOf(
  widget: MetricWidget,
  metrics: Metrics,
  { from, to, steps }: Span,
  timeScale: number,
): Series[] {
  return linesOf(widget).map(({ label, periodMs, plan }) => ({
    label,
    points: Array.from({ length: steps }, (_, index) => {
      const at = to - ((steps - 1 - index) * (to - from)) / steps;
      return { at, value: computeValue(plan, metrics, { from: at - periodMs / timeScale, to: at }) };
    }),
  }));
}

function linesOf({ metrics, periodMs }: MetricWidget): Line[] {
  const entries = metrics.map((entry, index) => {
    const { label, id = `m${index}`, visible = true, stat = 'Average', period, expression } = optionsOf(entry);
    const query: MetricQuery =
      expression === undefined ? metricQuery(entry, id, stat) : { Id: id, Expression: expression };
    return { query, visible, label: label ?? id, periodMs: period === undefined ? periodMs : period * 1_000 };
  });
  const queries = entries.map(({ query }) => query);
  return entries
    .filter(({ visible }) => visible)
    .map(({ query, ...line }) => ({ ...line, plan: planQuery(query, queries) }));
}

/** [namespace, name, dimension, value, …, options] or [options] */
function metricQuery(entry: readonly unknown[], Id: string, Stat: string): MetricQuery {
  const [Namespace = '', MetricName = '', ...rest] = entry.filter((part) => typeof part === 'string');
  const Dimensions = rest.flatMap((Name, index) => (index % 2 === 0 ? [{ Name, Value: rest[index + 1] ?? '' }] : []));
  return { Id, MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 0, Stat } };
}

function optionsOf(entry: readonly unknown[]): Options {
  const last = entry.at(-1);
  return typeof last === 'object' && last !== null ? last : {};
}
