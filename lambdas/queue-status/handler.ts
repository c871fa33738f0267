import { createApiHandler } from '../shared/api/handler.ts';
import { readEnvironment } from '../shared/environment.ts';
import { answerQueueStatus } from './answer.ts';
import { environment, ROUTE, SERVICE } from './env.ts';

/** GET /api/queue/{customerId}. Whom nothing counts could read every customer's jobs: it refuses then. */
export const handler = createApiHandler({
  env: readEnvironment(process.env, environment),
  service: SERVICE,
  routeName: ROUTE,
  whenLimiterFails: 'refuse',
  answer: answerQueueStatus,
});
