import type { APIGatewayProxyResult } from 'aws-lambda';
import { METRICS } from './env.ts';

/** What the alarm on the health counts: nothing for an answer that says nothing of it, as a 429 does. */
export function measure({ body }: Pick<APIGatewayProxyResult, 'body'>): [name: string, value: number][] {
  const { status } = JSON.parse(body) as { status: unknown };
  if (typeof status !== 'string') return [];
  return [
    [METRICS.unhealthy, Number(status === 'unhealthy')],
    [METRICS.degraded, Number(status === 'degraded')],
  ];
}
