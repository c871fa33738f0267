import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Alarms, createAlarms } from './alarms.ts';
import { serveAlarms } from './alarms-page.ts';
import { serveControl } from './api/control.ts';
import type { ApiKeys } from './api/keys.ts';
import { startApi } from './api/start-api.ts';
import { readAssembly } from './assembly.ts';
import { lambdaSamples, scheduleSamples } from './aws-metrics.ts';
import { cloudWatchActions } from './cloudwatch.ts';
import { startControlPlane } from './control-plane.ts';
import { serveDashboard } from './dashboard/serve.ts';
import { type FrontDoor, type Handle, startFrontDoor } from './front-door.ts';
import type { InvocationResult } from './function-process.ts';
import { createFunctions, shortNameOf } from './functions.ts';
import { type LocalDatabase, startLocalDatabase } from './local-database.ts';
import type { InvokeOptions, LocalFunction } from './local-function.ts';
import { createLogs } from './logs.ts';
import { createMetrics, readMetrics } from './metrics.ts';
import { startQueueGauges } from './queue-gauges.ts';
import { type Reaper, startReaper } from './reaper.ts';
import { startSchedules } from './schedules.ts';
import { fillParameters } from './secrets.ts';
import { slackSink } from './slack.ts';
import { type Sqs, startSqs } from './sqs/start-sqs.ts';
import { type Ssm, startSsm } from './ssm.ts';
import type { SupabaseGateway } from './supabase.ts';
import { LOCAL_STAGE, synthesize } from './synthesize.ts';
import { jobQueueUrls, planSystem, type SystemPlan } from './template.ts';

/** Longer than any alarm looks back. */
const METRICS_KEPT_MS = 25 * 3600 * 1_000;
const KEPT_DATA = join(import.meta.dirname, '..', '.local', 'data');

export type SystemOptions = {
  /** The port of the API. @default a free port */
  readonly port?: number;
  /** Keep data, messages and keys in `.local/` between starts. @default false */
  readonly keep?: boolean;
  /** Run the functions on the template's schedules, and evaluate its alarms. @default true */
  readonly schedules?: boolean;
  /** Periods of schedules and alarms are divided by this. @default 1 */
  readonly timeScale?: number;
  /** Deploy-time settings that differ from the defaults, by their environment names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Each line that a function prints. */
  readonly onLine?: (functionName: string, line: string) => void;
};

export type LocalSystem = {
  readonly stage: string;
  /** The API, and Supabase under `/rest/v1`. */
  readonly apiUrl: string;
  readonly supabaseUrl: string;
  readonly databaseUrl: string;
  readonly sqsEndpoint: string;
  readonly queueUrl: string;
  readonly dlqUrl: string;
  readonly serviceKey: string;
  readonly anonKey: string;
  /** The endpoint of API Gateway, CloudWatch and CloudWatch Logs. */
  readonly controlEndpoint: string;
  /** Of the API, at `/api`; undefined where the template has none. */
  readonly apiKeys: ApiKeys | undefined;
  readonly plan: SystemPlan;
  /** By short name: `stale-job-monitor`. */
  readonly functions: Readonly<Record<string, LocalFunction>>;
  invoke(shortName: string, event?: unknown, options?: InvokeOptions): Promise<InvocationResult>;
  readonly supabase: SupabaseGateway;
  readonly sqs: Sqs;
  readonly ssm: Ssm;
  /** The channel that alerts go to, at `/slack`. */
  readonly slack: ReturnType<typeof slackSink>;
  /** The template's alarms, at `/alarms`. */
  readonly alarms: Alarms;
  /** The template's dashboard, at `/dashboard`; undefined where it has none. */
  readonly dashboard: Handle | undefined;
  readonly door: FrontDoor;
  /** For further processes that must not outlive the system. */
  readonly reaper: Reaper;
  stop(): Promise<void>;
};

/** Starts the whole deployed system on this machine. When any part fails to start, the others are stopped again. */
export async function startSystem(options: SystemOptions = {}): Promise<LocalSystem> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await start(options, cleanup);
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function start(options: SystemOptions, cleanup: AsyncDisposableStack): Promise<LocalSystem> {
  const { keep = false, schedules = true, timeScale = 1, onLine = () => {} } = options;
  const reaper = startReaper();
  cleanup.defer(() => reaper.stop());
  const door = await startFrontDoor(options.port ?? 0);
  cleanup.defer(() => door.stop());

  const directory = keep ? KEPT_DATA : undefined;
  const [assembly, database, sqs, ssm] = await together([
    synthesize(options.settings).then(readAssembly),
    startLocalDatabase({ directory, reaper, cleanup }),
    startSqs({ directory: directory && join(directory, 'sqs') }).then((sqs) => stopWith(cleanup, sqs)),
    startSsm().then((ssm) => stopWith(cleanup, ssm)),
  ]);

  const plan = planSystem(assembly, sqs.endpoint);
  for (const { name, attributes } of plan.queues) await sqs.createQueue(name, attributes);
  fillParameters(ssm, plan.functions, secretsOf(door, database));
  const metrics = createMetrics(METRICS_KEPT_MS);
  const logs = createLogs(plan.functions.map(({ name }) => name));
  const onFunctionLine = (functionName: string, line: string) => {
    readMetrics(line).forEach(metrics.add);
    logs.add(functionName, line);
    onLine(shortNameOf(functionName), line);
  };
  const functions = createFunctions({ plan, door, sqs, ssm, reaper, cleanup, onLine: onFunctionLine });
  const invoke: LocalSystem['invoke'] = async (name, event, invokeOptions) => {
    const found = functions[name];
    if (!found) throw new Error(`There is no function ${name}, only ${Object.keys(functions).join(', ')}`);
    const result = await found.invoke(event, invokeOptions);
    lambdaSamples(found.name, result).forEach(metrics.add);
    return result;
  };
  /** What AWS itself invokes has nobody who looks at the result but the log. */
  const run = async (functionName: string, event: unknown) => {
    const result = await invoke(shortNameOf(functionName), event);
    if (!result.ok) onLine(shortNameOf(functionName), `failed: ${result.errorMessage}`);
    return result;
  };
  const { visibleMessages } = sqs;
  const alarms = createAlarms({ plans: plan.alarms, metrics, timeScale, visibleMessages, tell: run });
  const slack = slackSink();
  door.route('/rest/v1', database.gateway.handle);
  door.route('/slack', slack.handle);
  door.route('/alarms', serveAlarms(alarms));
  const keysFile = directory && join(directory, 'api-keys.json');
  const apiKeys = plan.api && startApi({ plan: plan.api, door, metrics, invoke: run, keysFile });
  const dashboard =
    plan.dashboard &&
    serveDashboard({ plan: plan.dashboard, alarms, metrics, timeScale, targets: plan.targets, invoke: run });
  if (dashboard) door.route('/dashboard', dashboard);
  const actions = { ...cloudWatchActions(alarms, metrics), ...logs.actions };
  const control = stopWith(cleanup, await startControlPlane(actions, serveControl(plan.api, apiKeys)));
  if (schedules) {
    const onError = (functionName: string, error: unknown) => onLine(shortNameOf(functionName), String(error));
    const onRun = (rule: string) => scheduleSamples(rule).forEach(metrics.add);
    stopWith(cleanup, startSchedules({ schedules: plan.schedules, timeScale, run, onRun, onError }));
    stopWith(cleanup, alarms.start());
    stopWith(cleanup, startQueueGauges(sqs.depths, metrics));
  }

  return {
    stage: options.settings?.['STAGE'] ?? LOCAL_STAGE,
    apiUrl: door.origin,
    supabaseUrl: door.origin,
    databaseUrl: database.url,
    sqsEndpoint: sqs.endpoint,
    ...jobQueueUrls(plan, sqs.endpoint),
    serviceKey: database.keys.serviceKey,
    anonKey: database.keys.anonKey,
    controlEndpoint: control.endpoint,
    apiKeys,
    plan,
    functions,
    invoke,
    supabase: database.gateway,
    sqs,
    ssm,
    slack,
    alarms,
    dashboard,
    door,
    reaper,
    stop: () => cleanup.disposeAsync(),
  };
}

function secretsOf(door: FrontDoor, { keys }: LocalDatabase): Record<string, string> {
  return {
    SUPABASE_SERVICE_KEY: keys.serviceKey,
    SLACK_WEBHOOK_URL: `${door.origin}/slack/services/T0/B0/local`,
    PROXY_SECRET: randomBytes(32).toString('hex'),
  };
}

/** Waits for all, also when one fails: what is still starting could not be stopped. */
async function together<T extends readonly unknown[]>(starts: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(starts);
  return Promise.all(starts) as Promise<T>;
}

function stopWith<T extends { stop(): Promise<void> }>(cleanup: AsyncDisposableStack, part: T): T {
  cleanup.defer(() => part.stop());
  return part;
}
