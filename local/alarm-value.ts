import type { MetricPlan } from './alarm-plan.ts';
import { type Formula, parseFormula } from './metric-math.ts';
import type { Metrics } from './metrics.ts';

/** What an alarm looks at in each of its periods: a statistic of one metric, or a formula over several. */
export type ValuePlan = StatisticPlan | FormulaPlan;
export type StatisticPlan = { readonly metric: MetricPlan; readonly statistic: string };
export type FormulaPlan = { readonly formula: Formula; readonly values: ReadonlyMap<string, ValuePlan> };

type Dimensions = { Name: string; Value: string }[];

/** An entry of an alarm's Metrics, or of a question to CloudWatch. */
export type MetricQuery = {
  readonly Id: string;
  readonly Expression?: string;
  readonly ReturnData?: boolean;
  readonly MetricStat?: {
    readonly Metric: { readonly Namespace: string; readonly MetricName: string; readonly Dimensions?: Dimensions };
    readonly Period: number;
    readonly Stat: string;
  };
};

/** What the properties of an alarm say that it looks at, and how long one of its periods is. */
export function planValue(logicalId: string, properties: Readonly<Record<string, unknown>>) {
  const { Namespace, MetricName, Dimensions, Statistic, ExtendedStatistic, Period, Metrics } = properties;
  if (MetricName !== undefined) {
    const metric = metricOf({
      Namespace: String(Namespace),
      MetricName: String(MetricName),
      Dimensions: Dimensions as Dimensions,
    });
    return { value: { metric, statistic: String(Statistic ?? ExtendedStatistic) }, periodMs: Number(Period) * 1_000 };
  }
  const queries = (Metrics ?? []) as MetricQuery[];
  const returned = queries.filter(({ ReturnData = true }) => ReturnData);
  const period = queries.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period;
  const [first] = returned;
  if (!first || returned.length > 1 || period === undefined) {
    throw new Error(`${logicalId}: its Metrics return ${returned.length} values, wanted 1 of at least one metric`);
  }
  return { value: planQuery(first, queries), periodMs: period * 1_000 };
}

/** @param queries those whose ids an expression may name */
export function planQuery({ Id, Expression, MetricStat }: MetricQuery, queries: readonly MetricQuery[]): ValuePlan {
  if (MetricStat) return { metric: metricOf(MetricStat.Metric), statistic: MetricStat.Stat };
  if (Expression === undefined) throw new Error(`${Id} has neither a metric nor an expression`);
  const others = queries.filter((query) => query.Id !== Id && new RegExp(`\\b${query.Id}\\b`).test(Expression));
  return {
    formula: parseFormula(Expression),
    values: new Map(others.map((query) => [query.Id, planQuery(query, queries)])),
  };
}

function metricOf({ Namespace, MetricName, Dimensions = [] }: NonNullable<MetricQuery['MetricStat']>['Metric']) {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  return { namespace: Namespace, name: MetricName, dimensions };
}

/** The value of what came in after `from` and up to `to`; undefined where it is missing. */
export function computeValue(
  plan: ValuePlan,
  metrics: Metrics,
  span: { from: number; to: number },
): number | undefined {
  if ('metric' in plan) return metrics.statistic(plan.metric, plan.statistic, span);
  return plan.formula((id) => {
    const value = plan.values.get(id);
    if (!value) throw new Error(`An expression names ${id}, which none of its metrics is`);
    return computeValue(value, metrics, span);
  });
}
