import type { MetricPlan } from './alarm-plan.ts';

export type Sample = MetricPlan & { readonly value: number; readonly at: number };

const STATISTICS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
  Average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
  SampleCount: (values) => values.length,
};

/** The part of CloudWatch that keeps metrics, for `keepMs`. */
export function createMetrics(keepMs: number) {
  const series = new Map<string, { metric: MetricPlan; samples: { at: number; value: number }[] }>();
  return {
    add({ value, at, ...metric }: Sample): void {
      const key = keyOf(metric);
      const { samples } = series.get(key) ?? { samples: [] as { at: number; value: number }[] };
      if (samples.length === 0) series.set(key, { metric, samples });
      samples.push({ at, value });
      while ((samples[0]?.at ?? at) <= at - keepMs) samples.shift();
    },
    /** The statistic of what came in after `from` and up to `to`; undefined when nothing did. */
    statistic(metric: MetricPlan, name: string, { from, to }: { from: number; to: number }): number | undefined {
      const compute = STATISTICS[name] ?? percentile(name);
      if (!compute) throw new Error(`${metric.name}: the local system does not understand the statistic ${name}`);
      const samples = series.get(keyOf(metric))?.samples.filter(({ at }) => at > from && at <= to) ?? [];
      return samples.length > 0 ? compute(samples.map(({ value }) => value)) : undefined;
    },
    /** Every metric that has come in. */
    list: (): MetricPlan[] => [...series.values()].map(({ metric }) => metric),
  };
}

/** `p99`: the smallest value that so many percent of all do not exceed. */
function percentile(name: string): ((values: readonly number[]) => number) | undefined {
  const [, percent] = /^p(\d+(?:\.\d+)?)$/.exec(name) ?? [];
  if (percent === undefined || Number(percent) > 100) return undefined;
  return (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((Number(percent) / 100) * sorted.length) - 1)] as number;
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** A metric is its namespace, name and dimensions, in whatever order they come. */
function keyOf({ namespace, name, dimensions }: MetricPlan): string {
  return JSON.stringify([namespace, name, Object.entries(dimensions).sort()]);
}

type Directive = { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] };

/**
 * The metrics in a line that a function printed, in CloudWatch's embedded metric format; none in any other line.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function readMetrics(line: string): Sample[] {
  if (!line.includes('"CloudWatchMetrics"')) return [];
  let fields: Record<string, unknown> & { _aws?: { Timestamp: number; CloudWatchMetrics: Directive[] } };
  try {
    fields = JSON.parse(line);
  } catch {
    return [];
  }
  return (fields._aws?.CloudWatchMetrics ?? []).flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.flatMap(({ Name }) =>
        [fields[Name]].flat().map((value) => ({
          namespace: Namespace,
          name: Name,
          dimensions: Object.fromEntries(names.map((name) => [name, String(fields[name])])),
          value: Number(value),
          at: fields._aws?.Timestamp ?? 0,
        })),
      ),
    ),
  );
}
