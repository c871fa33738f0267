import { Duration } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { ComparisonOperator, MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import * as health from '../../lambdas/health/env.ts';
import * as queueStatus from '../../lambdas/queue-status/env.ts';
import { API_METRICS } from '../../lambdas/shared/api/env.ts';
import type { AlarmTopic, Symptom } from './alarm-topic.ts';
import { metricTotal } from './metric-total.ts';
import { ownMetric } from './monitor-alarms.ts';

const PERIOD = Duration.minutes(5);
const ABOVE = ComparisonOperator.GREATER_THAN_THRESHOLD;
/** A share of fewer requests says nothing: one 429 of two requests would be half. */
const LEAST_REQUESTS = 20;
/** A single failure may be a hiccup; so many in five minutes are not. */
export const NOT_BY_CHANCE = 5;
/** The slowest good answer: health waits 2 s for the database and answers within 3. */
export const SLOW_MS = 3_000;

export interface ApiAlarmsProps {
  readonly stage: string;
  readonly alarms: AlarmTopic;
  readonly api: RestApi;
}

/** The alarms of the API, as its callers see it. */
export class ApiAlarms extends Construct {
  /** What an outage of the database brings about, still to be told. */
  readonly symptoms: readonly Symptom[];

  constructor(scope: Construct, id: string, props: ApiAlarmsProps) {
    super(scope, id);
    this.watchRateLimit(props);
    this.symptoms = [
      this.noticeLimiter(props),
      this.noticeHealth(props),
      this.noticeServerErrors(props),
      this.noticeLatency(props),
    ];
  }

  private watchRateLimit({ stage, alarms }: ApiAlarmsProps): void {
    const requests = total(stage, API_METRICS.requests, 'Requests');
    const limited = total(stage, API_METRICS.rateLimited, 'Refused by the limit');
    alarms.watch(this, 'RateLimitedShare', {
      meaning: `More than 5 % of the requests of five minutes (${LEAST_REQUESTS} at least) were refused by the rate limit: a caller runs wild, or the limit is too tight.`,
      runbookEntry: 'rate-limited-share',
      metric: new MathExpression({
        expression: `IF(requests >= ${LEAST_REQUESTS}, 100 * limited / requests, 0)`,
        usingMetrics: { requests, limited },
        period: PERIOD,
        label: 'Refused by the limit, %',
      }),
      comparisonOperator: ABOVE,
      threshold: 5,
      evaluationPeriods: 1,
      // Nobody asked anything, and nobody was refused.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private noticeLimiter({ stage, alarms }: ApiAlarmsProps): Symptom {
    return alarms.notice(this, 'RateLimitUnavailable', {
      meaning:
        'The rate limiter cannot ask the database. Queue status answers 503; health answers, and counts its callers roughly.',
      runbookEntry: 'rate-limit-unavailable',
      metric: total(stage, API_METRICS.rateLimitUnavailable, 'Limiter unavailable'),
      threshold: NOT_BY_CHANCE,
      evaluationPeriods: 1,
      // Nobody asked.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /**
   * It hears of health only when somebody asks for it. Nothing asks on a schedule just for this: each cause of a bad health
   * (the database, stale jobs, dead letters, a monitor's missed runs) has an alarm that needs no caller.
   */
  private noticeHealth({ stage, alarms }: ApiAlarmsProps): Symptom {
    const average = (name: string) => ownMetric(stage, health.SERVICE, name, Stats.AVERAGE, PERIOD);
    return alarms.notice(this, 'HealthNotHealthy', {
      meaning: 'Most answers of /api/health in five minutes were degraded or unhealthy. The answer says why.',
      runbookEntry: 'health-not-healthy',
      metric: new MathExpression({
        // Each answer writes both, so that neither is missing where the other is not.
        expression: '100 * (unhealthy + degraded)',
        usingMetrics: {
          unhealthy: average(health.METRICS.unhealthy),
          degraded: average(health.METRICS.degraded),
        },
        period: PERIOD,
        label: 'Answers that were not healthy, %',
      }),
      comparisonOperator: ABOVE,
      threshold: 50,
      evaluationPeriods: 1,
      // Nobody asked: the last known state stays until somebody does.
      treatMissingData: TreatMissingData.IGNORE,
    });
  }

  private noticeServerErrors({ alarms, api }: ApiAlarmsProps): Symptom {
    return alarms.notice(this, 'ServerErrors', {
      meaning: `The API answered ${NOT_BY_CHANCE} times or more in five minutes with a status of 500 or above.`,
      runbookEntry: 'api-server-errors',
      metric: api.deploymentStage.metricServerError({ period: PERIOD, statistic: Stats.SUM }),
      threshold: NOT_BY_CHANCE,
      evaluationPeriods: 1,
      // Nobody asked.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private noticeLatency({ alarms, api }: ApiAlarmsProps): Symptom {
    return alarms.notice(this, 'Latency', {
      meaning: `One answer of the API in a hundred took longer than ${SLOW_MS / 1_000} s, for a quarter of an hour.`,
      runbookEntry: 'api-latency',
      metric: api.deploymentStage.metricLatency({ period: PERIOD, statistic: Stats.percentile(99) }),
      comparisonOperator: ABOVE,
      threshold: SLOW_MS,
      // With few requests the slowest of five minutes is the p99, and a cold start is one.
      evaluationPeriods: 3,
      // Nobody asked.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

/** A metric of both functions of the API together. */
function total(stage: string, name: string, label: string): MathExpression {
  const sum = (service: string) => ownMetric(stage, service, name, Stats.SUM, PERIOD);
  return metricTotal(
    { [`health${name}`]: sum(health.SERVICE), [`queue${name}`]: sum(queueStatus.SERVICE) },
    PERIOD,
    label,
  );
}
