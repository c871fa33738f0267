import type { SystemHealth } from '../../lambdas/health/system-health.ts';
import { describeDuration } from '../../lambdas/shared/duration.ts';
import { judgeMonitors, type Monitor } from '../monitors.ts';
import { type Check, Fault } from './check.ts';

/** Whether one monitor ran well within its period. */
export function monitor(name: string): Check {
  return {
    name,
    needs: ['Settings'],
    follows: ['Database', 'Secrets'],
    async run({ context }) {
      const { settings, stage } = context;
      const health = await context
        .database()
        .call<SystemHealth>('system_health', { threshold_minutes: settings.STALE_THRESHOLD_MINUTES });
      const found = judgeMonitors(health, settings).find((one) => one.monitor === name) as Monitor;
      if (found.status === 'up') return `ran well ${describeDuration((found.seconds_since_success ?? 0) * 1_000)} ago`;
      throw new Fault(found.reason ?? found.status, advice(found, `queuekeeper-${stage}-${name}`));
    },
  };
}

function advice({ is_failing: isFailing }: Monitor, functionName: string): string {
  if (isFailing) return `See why: aws logs tail /aws/lambda/${functionName} --since 1h`;
  return (
    `A few minutes after the first deploy, run this again. Otherwise see that the schedule of ${functionName} is enabled ` +
    '(EventBridge > Rules) and that the function is not throttled; npm run deploy makes the schedule again.'
  );
}
