import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { AlarmNotifier } from './constructs/alarm-notifier.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Api } from './constructs/api.ts';
import { ApiAlarms, type ApiAlarmsProps } from './constructs/api-alarms.ts';
import { Dashboard } from './constructs/dashboard.ts';
import { DashboardTables } from './constructs/dashboard-tables.ts';
import { DatabaseDown } from './constructs/database-down.ts';
import { DlqMonitor } from './constructs/dlq-monitor.ts';
import { FunctionAlarms, type FunctionAlarmsProps } from './constructs/function-alarms.ts';
import { HealthFunction } from './constructs/health-function.ts';
import { JobQueue } from './constructs/job-queue.ts';
import type { LambdaFunction } from './constructs/lambda-function.ts';
import { QueueAlarms } from './constructs/queue-alarms.ts';
import { QueueStatusFunction } from './constructs/queue-status-function.ts';
import { RateLimitCleanup } from './constructs/rate-limit-cleanup.ts';
import { type SecretParameter, secretNames, secretParameter } from './constructs/secret-parameter.ts';
import { StaleJobMonitor } from './constructs/stale-job-monitor.ts';
import type { Settings } from './settings.ts';

export interface QueuekeeperStackProps extends StackProps {
  readonly settings: Settings;
}

/** All of Queuekeeper. It composes; the constructs build. */
export class QueuekeeperStack extends Stack {
  private readonly settings: Settings;
  /** What every function is given, … */
  private readonly shared;
  /** … those besides that call the database, … */
  private readonly withDatabase;
  /** … and those that run on a schedule: two runs at once do no harm, one is only thrift. */
  private readonly reservedConcurrency: number | undefined;
  private readonly staleThreshold: Duration;

  constructor(scope: Construct, id: string, { settings, ...props }: QueuekeeperStackProps) {
    super(scope, id, { description: 'Queuekeeper: keeps a Supabase + SQS job queue honest', ...props });
    const { STAGE: stage } = settings;
    const secrets = secretNames(stage);
    const slackWebhook = secretParameter(this, secrets.slackWebhook);
    this.settings = settings;
    this.staleThreshold = Duration.minutes(settings.STALE_THRESHOLD_MINUTES);
    this.reservedConcurrency = settings.RESERVE_CONCURRENCY === 'yes' ? 1 : undefined;

    const jobs = this.jobQueue();
    this.shared = { stage, logRetention: settings.LOG_RETENTION_DAYS, failedEvents: this.failedEvents() };
    this.withDatabase = {
      ...this.shared,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey: secretParameter(this, secrets.serviceKey),
    };
    const alarms = new AlarmTopic(this, 'Alarms', {
      stage,
      emails: settings.ALARM_EMAILS,
      runbookUrl: settings.RUNBOOK_URL,
    });
    const monitors = this.monitors(jobs, slackWebhook);
    const api = this.api(monitors, secretParameter(this, secrets.proxySecret));
    const alarmNotifier = new AlarmNotifier(this, 'AlarmNotifier', { ...this.shared, alarms, slackWebhook });
    const tables = this.tables({ jobs, alarms, monitors });
    const { staleJobMonitor, dlqMonitor } = monitors;
    const { health, queueStatus, rateLimitCleanup } = api;
    const functions = [staleJobMonitor, dlqMonitor, alarmNotifier, health, queueStatus, rateLimitCleanup];
    const all = [...functions, tables.widget, tables.action];
    this.watch({ alarms, jobs, monitors, api, alarmNotifier, all });
    // Last, as it shows every alarm.
    new Dashboard(this, 'Dashboard', {
      stage,
      alarms,
      tables,
      queue: jobs.queue,
      deadLetterQueue: jobs.deadLetterQueue,
      ...monitors,
      staleThreshold: this.staleThreshold,
      functions: all,
    });
  }

  private jobQueue(): JobQueue {
    const { settings } = this;
    return new JobQueue(this, 'JobQueue', {
      stage: settings.STAGE,
      existing: existingQueues(settings),
      retention: Duration.days(settings.QUEUE_RETENTION_DAYS),
      visibilityTimeout: Duration.seconds(settings.QUEUE_VISIBILITY_SECONDS),
      maxReceiveCount: settings.QUEUE_MAX_RECEIVES,
    });
  }

  /** Events that a function could not handle, kept to be looked at. */
  private failedEvents(): Queue {
    const failures = new Queue(this, 'FailedEvents', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(failures).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SQS3',
      reason: 'It is where events end that could not be handled; nothing reads it but a person.',
    });
    return failures;
  }

  private monitors(jobs: JobQueue, slackWebhook: SecretParameter) {
    const { settings, withDatabase, reservedConcurrency } = this;
    const staleJobMonitor = new StaleJobMonitor(this, 'StaleJobMonitor', {
      ...withDatabase,
      reservedConcurrency,
      queue: jobs.queue,
      threshold: this.staleThreshold,
      period: Duration.minutes(settings.STALE_CHECK_MINUTES),
      timeout: timeoutWithin(settings.STALE_CHECK_MINUTES),
      batchSize: settings.RECOVERY_BATCH_SIZE,
      breaker: {
        minRunning: settings.BREAKER_MIN_RUNNING,
        sharePercent: settings.BREAKER_SHARE_PERCENT,
        canarySize: settings.CANARY_SIZE,
      },
    });
    const dlqMonitor = new DlqMonitor(this, 'DlqMonitor', {
      ...withDatabase,
      reservedConcurrency,
      deadLetterQueue: jobs.deadLetterQueue,
      slackWebhook,
      threshold: settings.DLQ_ALERT_THRESHOLD,
      period: Duration.minutes(settings.DLQ_CHECK_MINUTES),
      timeout: timeoutWithin(settings.DLQ_CHECK_MINUTES),
      runbookUrl: settings.RUNBOOK_URL,
    });
    return { staleJobMonitor, dlqMonitor };
  }

  private api({ staleJobMonitor, dlqMonitor }: Monitors, proxySecret: SecretParameter) {
    const { settings, withDatabase, staleThreshold, reservedConcurrency } = this;
    const { API_CORS_ORIGINS: corsOrigins } = settings;
    const rateLimit = this.rateLimit();
    const limited = { ...withDatabase, rateLimit, corsOrigins, proxy: proxyOf(settings, proxySecret) };
    const health = new HealthFunction(this, 'Health', {
      ...limited,
      staleThreshold,
      staleJobMonitorPeriod: staleJobMonitor.period,
      dlqMonitorPeriod: dlqMonitor.period,
    });
    const queueStatus = new QueueStatusFunction(this, 'QueueStatus', limited);
    const { api } = new Api(this, 'Api', {
      stage: settings.STAGE,
      health,
      queueStatus,
      queueNeedsKey: settings.QUEUE_API_ACCESS === 'key',
      rateLimit,
      plans: {
        starter: settings.USAGE_PLAN_STARTER,
        pro: settings.USAGE_PLAN_PRO,
        enterprise: settings.USAGE_PLAN_ENTERPRISE,
      },
      corsOrigins,
      domain: domainOf(settings),
      logRetention: settings.LOG_RETENTION_DAYS,
    });
    const rateLimitCleanup = new RateLimitCleanup(this, 'RateLimitCleanup', {
      ...withDatabase,
      reservedConcurrency,
      retention: Duration.hours(settings.RATE_LIMIT_RETENTION_HOURS),
    });
    return { api, health, queueStatus, rateLimitCleanup };
  }

  private tables({ jobs, alarms, monitors }: { jobs: JobQueue; alarms: AlarmTopic; monitors: Monitors }) {
    return new DashboardTables(this, 'DashboardTables', {
      ...this.withDatabase,
      queue: jobs.queue,
      deadLetterQueue: jobs.deadLetterQueue,
      alarms,
      staleThreshold: this.staleThreshold,
      staleCheckPeriod: monitors.staleJobMonitor.period,
      rateLimit: this.rateLimit(),
      runbookUrl: this.settings.RUNBOOK_URL,
    });
  }

  /** Every alarm that is not its construct's own. */
  private watch({ alarms, jobs, monitors, api, alarmNotifier, all }: Watched): void {
    const { STAGE: stage } = this.settings;
    const queueAlarms = new QueueAlarms(this, 'QueueAlarms', {
      stage,
      alarms,
      ...monitors,
      alarmNotifier,
      deadLetterQueue: jobs.deadLetterQueue,
    });
    const apiAlarms = new ApiAlarms(this, 'ApiAlarms', { stage, alarms, api: api.api });
    const functionAlarms = new FunctionAlarms(this, 'FunctionAlarms', { ...api, alarms, all });
    new DatabaseDown(this, 'DatabaseDown', {
      stage,
      alarms,
      ...monitors,
      symptoms: [
        ...queueAlarms.monitors.flatMap(({ missedRuns, errors }) => [missedRuns, errors]),
        ...apiAlarms.symptoms,
        ...functionAlarms.symptoms,
      ],
      symptomsOfTheDay: queueAlarms.monitors.map(({ uptime }) => uptime),
    });
  }

  private rateLimit() {
    const { RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_WINDOW_SECONDS, RATE_LIMIT_MODE: mode } = this.settings;
    return { requests, window: Duration.seconds(RATE_LIMIT_WINDOW_SECONDS), mode };
  }
}

interface Monitors {
  readonly staleJobMonitor: StaleJobMonitor;
  readonly dlqMonitor: DlqMonitor;
}

interface Watched {
  readonly alarms: AlarmTopic;
  readonly jobs: JobQueue;
  readonly monitors: Monitors;
  readonly api: Pick<FunctionAlarmsProps, 'health' | 'queueStatus' | 'rateLimitCleanup'> & Pick<ApiAlarmsProps, 'api'>;
  readonly alarmNotifier: AlarmNotifier;
  /** Every function of the stack. */
  readonly all: readonly LambdaFunction[];
}

/** A run needs seconds; the rest is for a mass recovery. */
function timeoutWithin(periodMinutes: number): Duration {
  return Duration.seconds(Math.min(110, periodMinutes * 60 - 10));
}

function existingQueues({ SQS_QUEUE_URL: queueUrl, SQS_DLQ_URL: deadLetterQueueUrl }: Settings) {
  return queueUrl && deadLetterQueueUrl ? { queueUrl, deadLetterQueueUrl } : undefined;
}

function proxyOf({ PROXY_ADDRESS_HEADER, PROXY_SECRET_HEADER }: Settings, secret: SecretParameter) {
  if (!PROXY_ADDRESS_HEADER || !PROXY_SECRET_HEADER) return undefined;
  return { addressHeader: PROXY_ADDRESS_HEADER, secretHeader: PROXY_SECRET_HEADER, secret };
}

function domainOf({ API_DOMAIN_NAME: name, API_CERTIFICATE_ARN: certificateArn }: Settings) {
  return name && certificateArn ? { name, certificateArn } : undefined;
}
