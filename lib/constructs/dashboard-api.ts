import { type IMetric, type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import * as health from '../../lambdas/health/env.ts';
import * as queueStatus from '../../lambdas/queue-status/env.ts';
import { API_METRICS } from '../../lambdas/shared/api/env.ts';
import { NOT_BY_CHANCE, SLOW_MS } from './api-alarms.ts';
import { chart, metricsOf, PERIOD } from './dashboard-parts.ts';
import { metricTotal } from './metric-total.ts';

/** From this share of refused requests on, an alarm speaks. */
const REFUSED_ALARM_PERCENT = 5;
const ROUTES = [health, queueStatus];
const ALL_REQUESTS = 'SUM([FILL(healthRequests, 0), FILL(queueRequests, 0)])';

function countsOf(stage: string, metric: string, suffix: string): Record<string, IMetric> {
  const count = (service: string) => metricsOf(stage, service)(metric, Stats.SUM, `${service}: ${metric}`);
  return { [`health${suffix}`]: count(health.SERVICE), [`queue${suffix}`]: count(queueStatus.SERVICE) };
}

/** Requests of all routes together. */
export function requests(stage: string): IMetric {
  return metricTotal(countsOf(stage, API_METRICS.requests, 'Requests'), PERIOD, 'Requests');
}

/** Requests that the exact limit refused, in percent of all. */
export function refusedShare(stage: string): MathExpression {
  return new MathExpression({
    expression: `IF(${ALL_REQUESTS} > 0, 100 * SUM([FILL(healthLimited, 0), FILL(queueLimited, 0)]) / ${ALL_REQUESTS}, 0)`,
    usingMetrics: {
      ...countsOf(stage, API_METRICS.requests, 'Requests'),
      ...countsOf(stage, API_METRICS.rateLimited, 'Limited'),
    },
    period: PERIOD,
    label: 'Refused, %',
  });
}

/** The public API: how much, how fast, how well. */
export function apiCharts(stage: string): IWidget[][] {
  const each = (metric: string, statistic: string, label: (route: string) => string) =>
    ROUTES.map(({ SERVICE, ROUTE }) => metricsOf(stage, SERVICE)(metric, statistic, label(ROUTE)));
  const ofHealth = metricsOf(stage, health.SERVICE);
  return [
    [
      chart('Requests in 5 minutes', { left: each(API_METRICS.requests, Stats.SUM, (route) => route) }),
      chart('Requests refused by the limit, %', {
        left: [refusedShare(stage)],
        leftAnnotations: [{ value: REFUSED_ALARM_PERCENT, label: `alarm above ${REFUSED_ALARM_PERCENT} %` }],
      }),
      chart('Time to answer, ms', {
        left: [
          ...each(API_METRICS.latency, Stats.percentile(50), (route) => `${route}, half are faster`),
          ...each(API_METRICS.latency, Stats.percentile(99), (route) => `${route}, 99 of 100 are faster`),
        ],
        leftAnnotations: [{ value: SLOW_MS, label: 'alarm above, for 15 minutes' }],
      }),
    ],
    [
      chart('Health: 0 is healthy', {
        left: [
          ofHealth(health.METRICS.unhealthy, Stats.MAXIMUM, 'Unhealthy'),
          ofHealth(health.METRICS.degraded, Stats.MAXIMUM, 'Degraded'),
        ],
      }),
      chart('Faults of ours', {
        left: [
          ...each(API_METRICS.serverErrors, Stats.SUM, (route) => `${route}, answers 500`),
          ...each(API_METRICS.rateLimitUnavailable, Stats.SUM, (route) => `${route}, limiter unavailable`),
        ],
        leftAnnotations: [{ value: NOT_BY_CHANCE, label: `alarm from ${NOT_BY_CHANCE} on` }],
      }),
      chart('Answers to callers near their limit', { left: each(API_METRICS.nearLimit, Stats.SUM, (route) => route) }),
    ],
  ];
}
