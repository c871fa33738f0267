import { paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { connectDeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { type Depth, totalOf } from '../../lambdas/dlq-monitor/depth.ts';
import type { SystemHealth } from '../../lambdas/health/system-health.ts';
import type { Context } from '../context.ts';
import { queueNameOf } from '../dead-letters/record.ts';
import { explainError } from '../explain-error.ts';
import { askHealth } from '../health-answer.ts';
import { judgeMonitors, type Monitor } from '../monitors.ts';

export interface QueueDepth extends Depth {
  readonly name: string;
}

export interface Alarm {
  readonly name: string;
  readonly state: string;
  readonly since: string | null;
  readonly description: string;
}

/** All that one screen says; a part that could not be looked at is null, and `unknown` says why. */
export interface Status {
  readonly stage: string;
  readonly region: string;
  readonly at: string;
  readonly api: { readonly status: string; readonly reasons: readonly string[]; readonly latency_ms: number } | null;
  readonly jobs: Omit<SystemHealth, 'monitors'> | null;
  readonly monitors: readonly Monitor[] | null;
  readonly queue: QueueDepth | null;
  readonly dead_letter_queue: QueueDepth | null;
  readonly alarms: readonly Alarm[] | null;
  readonly unknown: readonly { readonly part: string; readonly problem: string }[];
}

/** Looks at everything at the same time; what does not answer never keeps the rest from being shown. */
export async function lookAtAll(context: Context, now: Date): Promise<Status> {
  const unknown: { part: string; problem: string }[] = [];
  const attempt = async <T>(part: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      unknown.push({ part, problem: explainError(error) });
      return null;
    }
  };
  const { settings, queueUrl, dlqUrl } = context;
  const [api, health, queue, deadLetterQueue, alarms] = await Promise.all([
    attempt('API', () => lookAtApi(context)),
    attempt('database', () =>
      context.database().call<SystemHealth>('system_health', { threshold_minutes: settings.STALE_THRESHOLD_MINUTES }),
    ),
    attempt('job queue', async () => depthOf(context, await queueUrl())),
    attempt('dead-letter queue', async () => depthOf(context, await dlqUrl())),
    attempt('alarms', () => lookAtAlarms(context)),
  ]);
  return {
    stage: context.stage,
    region: settings.AWS_DEFAULT_REGION,
    at: now.toISOString(),
    api,
    jobs: health && withoutMonitors(health),
    monitors: health && judgeMonitors(health, settings),
    queue,
    dead_letter_queue: deadLetterQueue,
    alarms,
    unknown,
  };
}

function withoutMonitors({ monitors: _, ...jobs }: SystemHealth): NonNullable<Status['jobs']> {
  return jobs;
}

/** True when there is nothing that a person should look at. */
export function isWell({ api, monitors, dead_letter_queue: dlq, alarms, unknown }: Status): boolean {
  return (
    unknown.length === 0 &&
    api?.status === 'healthy' &&
    (monitors ?? []).every(({ status }) => status === 'up') &&
    // The API's health and the alarm know of them some minutes later.
    (dlq === null || totalOf(dlq) === 0) &&
    (alarms ?? []).every(({ state }) => state !== 'ALARM')
  );
}

async function lookAtApi(context: Context) {
  const { status, http, reasons, latencyMs } = await askHealth(await context.apiUrl());
  if (http === 429) throw new Error('this address has used up its requests; ask again in a minute');
  return { status: status ?? `HTTP ${http}`, reasons, latency_ms: latencyMs };
}

async function depthOf({ clients }: Context, url: string): Promise<QueueDepth> {
  const { visible, inFlight, delayed } = await connectDeadLetterQueue(clients.sqs, url).readAttributes();
  return { name: queueNameOf(url), visible, inFlight, delayed };
}

/** Those that reach people of this stage: the names of the stage `prod-eu` begin as those of `prod` do. */
export async function lookAtAlarms({ clients, stage }: Pick<Context, 'clients' | 'stage'>): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  const pages = paginateDescribeAlarms(
    { client: clients.cloudwatch },
    { AlarmNamePrefix: `queuekeeper-${stage}-`, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
  );
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of pages) {
    for (const alarm of [...MetricAlarms, ...CompositeAlarms]) {
      if (!alarm.AlarmActions?.some((action) => action.endsWith(`:queuekeeper-${stage}-alarms`))) continue;
      alarms.push({
        name: alarm.AlarmName ?? '',
        state: alarm.StateValue ?? 'UNKNOWN',
        since: (alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp)?.toISOString() ?? null,
        description: alarm.AlarmDescription?.split('\n')[0] ?? '',
      });
    }
  }
  // Nobody watches then, and that is not well.
  if (alarms.length === 0) throw new Error(`the stage ${stage} has no alarms here: is it deployed?`);
  return alarms;
}
