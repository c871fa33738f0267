import { createApiHandler } from '../shared/api/handler.ts';
import { readEnvironment } from '../shared/environment.ts';
import { answerHealth } from './answer.ts';
import { environment, ROUTE, SERVICE } from './env.ts';
import { measure } from './measure.ts';

const env = readEnvironment(process.env, environment);

/** GET /api/health. It answers also while the database is away: that is what it is asked for. */
export const handler = createApiHandler({
  env,
  service: SERVICE,
  routeName: ROUTE,
  whenLimiterFails: 'answer',
  answer: ({ database }) =>
    answerHealth({
      database,
      thresholdMinutes: env.STALE_THRESHOLD_MINUTES,
      periodMinutes: { 'stale-job-monitor': env.STALE_CHECK_MINUTES, 'dlq-monitor': env.DLQ_CHECK_MINUTES },
      now: () => new Date(),
      uptimeSeconds: () => process.uptime(),
    }),
  measure,
});
