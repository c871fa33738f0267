import { API_METRICS, apiEnvironment } from '../shared/api/env.ts';
import { type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  ...apiEnvironment,
  STALE_THRESHOLD_MINUTES: wholeNumber(1),
  /** The monitors' periods, from which a late one is told. */
  STALE_CHECK_MINUTES: wholeNumber(1),
  DLQ_CHECK_MINUTES: wholeNumber(1),
};

export type HealthVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'health';

/** The limiter's name for it, and the gateway's. */
export const ROUTE = 'GET /api/health';

/** Its CloudWatch metrics; the construct turns them into alarms. */
export const METRICS = { ...API_METRICS, unhealthy: 'Unhealthy', degraded: 'Degraded' } as const;
