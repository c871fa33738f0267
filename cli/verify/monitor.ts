import { describeDuration } from '../../lambdas/dlq-monitor/duration.ts';
import { type MonitorState, monitorPeriods, type SystemHealth, stateOf } from '../monitors.ts';
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
      const age = health.monitors.find((one) => one.monitor === name);
      const periodMinutes = monitorPeriods(settings).get(name) ?? 0;
      const state = stateOf(age, periodMinutes);
      const last = age?.seconds_since_success;
      const seen = last == null ? 'no good run on record' : `last good run ${describeDuration(last * 1_000)} ago`;
      if (state === 'up') return `${seen}, every ${periodMinutes} min`;
      throw new Fault(`${state}: ${seen}, wanted one every ${periodMinutes} min`, advice(state, stage, name));
    },
  };
}

function advice(state: Exclude<MonitorState, 'up'> | MonitorState, stage: string, name: string): string {
  const functionName = `queuekeeper-${stage}-${name}`;
  if (state === 'failing') return `It runs and fails: aws logs tail /aws/lambda/${functionName} --filter-pattern ERROR`;
  const young = state === 'never ran' ? 'In the first minutes after a deploy, wait and run this again. Otherwise ' : '';
  return `${young}see that the schedule of ${functionName} is enabled (EventBridge > Rules) and that the function is not throttled; npm run deploy restores both.`;
}
