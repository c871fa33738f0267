import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';

/**
 * The sum of metrics, of which some may have no data: a function that nobody called writes none.
 * @param metrics by a name that no other metric of the same alarm has
 */
export function metricTotal(metrics: Record<string, IMetric>, period: Duration, label: string): MathExpression {
  const filled = Object.keys(metrics).map((name) => `FILL(${name}, 0)`);
  return new MathExpression({ expression: `SUM([${filled.join(', ')}])`, usingMetrics: metrics, period, label });
}
