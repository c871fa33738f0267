import { API_METRICS, apiEnvironment } from '../shared/api/env.ts';
import type { Variables } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = apiEnvironment;

export type QueueStatusVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'queue-status';

/** The limiter's name for it, and the gateway's. */
export const ROUTE = 'GET /api/queue/{customerId}';

/** Its CloudWatch metrics; the construct turns them into alarms. */
export const METRICS = API_METRICS;
