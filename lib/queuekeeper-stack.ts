import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { AlarmNotifier } from './constructs/alarm-notifier.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import { Api } from './constructs/api.ts';
import { ApiAlarms } from './constructs/api-alarms.ts';
import { Dashboard } from './constructs/dashboard.ts';
import { DashboardTables } from './constructs/dashboard-tables.ts';
import { DatabaseDown } from './constructs/database-down.ts';
import { DlqMonitor } from './constructs/dlq-monitor.ts';
import { FunctionAlarms } from './constructs/function-alarms.ts';
import { HealthFunction } from './constructs/health-function.ts';
import { JobQueue } from './constructs/job-queue.ts';
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
  constructor(scope: Construct, id: string, { settings, ...props }: QueuekeeperStackProps) {
    super(scope, id, { description: 'Queuekeeper: keeps a Supabase + SQS job queue honest', ...props });
    const stage = settings.STAGE;
    const names = secretNames(stage);
    const serviceKey = secretParameter(this, names.serviceKey);
    const slackWebhook = secretParameter(this, names.slackWebhook);

    const jobs = new JobQueue(this, 'JobQueue', {
      stage,
      existing: existingQueues(settings),
      retention: Duration.days(settings.QUEUE_RETENTION_DAYS),
      visibilityTimeout: Duration.seconds(settings.QUEUE_VISIBILITY_SECONDS),
      maxReceiveCount: settings.QUEUE_MAX_RECEIVES,
    });

    /** Events that a function could not handle, kept to be looked at. */
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
    const shared = { stage, logRetention: settings.LOG_RETENTION_DAYS, failedEvents: failures };
    // Two runs of a monitor at once do no harm; one is only thrift.
    const reservedConcurrency = settings.RESERVE_CONCURRENCY === 'yes' ? 1 : undefined;

    const alarms = new AlarmTopic(this, 'Alarms', {
      stage,
      emails: settings.ALARM_EMAILS,
      runbookUrl: settings.RUNBOOK_URL,
    });

    const staleJobMonitor = new StaleJobMonitor(this, 'StaleJobMonitor', {
      ...shared,
      reservedConcurrency,
      queue: jobs.queue,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey,
      threshold: Duration.minutes(settings.STALE_THRESHOLD_MINUTES),
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
      ...shared,
      reservedConcurrency,
      deadLetterQueue: jobs.deadLetterQueue,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey,
      slackWebhook,
      threshold: settings.DLQ_ALERT_THRESHOLD,
      period: Duration.minutes(settings.DLQ_CHECK_MINUTES),
      timeout: timeoutWithin(settings.DLQ_CHECK_MINUTES),
      runbookUrl: settings.RUNBOOK_URL,
    });
    const limited = {
      ...shared,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey,
      rateLimit: {
        requests: settings.RATE_LIMIT_REQUESTS,
        window: Duration.seconds(settings.RATE_LIMIT_WINDOW_SECONDS),
        mode: settings.RATE_LIMIT_MODE,
      },
      corsOrigins: settings.API_CORS_ORIGINS,
      proxy: proxyOf(settings, secretParameter(this, names.proxySecret)),
    };
    const health = new HealthFunction(this, 'Health', {
      ...limited,
      staleThreshold: Duration.minutes(settings.STALE_THRESHOLD_MINUTES),
      staleJobMonitorPeriod: staleJobMonitor.period,
      dlqMonitorPeriod: dlqMonitor.period,
    });
    const queueStatus = new QueueStatusFunction(this, 'QueueStatus', limited);
    const api = new Api(this, 'Api', {
      stage,
      health,
      queueStatus,
      queueNeedsKey: settings.QUEUE_API_ACCESS === 'key',
      rateLimit: limited.rateLimit,
      plans: {
        starter: settings.USAGE_PLAN_STARTER,
        pro: settings.USAGE_PLAN_PRO,
        enterprise: settings.USAGE_PLAN_ENTERPRISE,
      },
      corsOrigins: settings.API_CORS_ORIGINS,
      domain: domainOf(settings),
      logRetention: settings.LOG_RETENTION_DAYS,
    });
    const rateLimitCleanup = new RateLimitCleanup(this, 'RateLimitCleanup', {
      ...shared,
      reservedConcurrency,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey,
      retention: Duration.hours(settings.RATE_LIMIT_RETENTION_HOURS),
    });
    const alarmNotifier = new AlarmNotifier(this, 'AlarmNotifier', { ...shared, alarms, slackWebhook });
    const queueAlarms = new QueueAlarms(this, 'QueueAlarms', {
      stage,
      alarms,
      staleJobMonitor,
      dlqMonitor,
      alarmNotifier,
      deadLetterQueue: jobs.deadLetterQueue,
    });
    const staleThreshold = Duration.minutes(settings.STALE_THRESHOLD_MINUTES);
    const tables = new DashboardTables(this, 'DashboardTables', {
      ...shared,
      queue: jobs.queue,
      deadLetterQueue: jobs.deadLetterQueue,
      alarms,
      supabaseUrl: settings.SUPABASE_URL,
      serviceKey,
      staleThreshold,
      staleCheckPeriod: staleJobMonitor.period,
      rateLimit: limited.rateLimit,
      runbookUrl: settings.RUNBOOK_URL,
    });
    const functions = [staleJobMonitor, dlqMonitor, alarmNotifier, health, queueStatus, rateLimitCleanup];
    const apiAlarms = new ApiAlarms(this, 'ApiAlarms', { stage, alarms, api: api.api });
    const functionAlarms = new FunctionAlarms(this, 'FunctionAlarms', {
      alarms,
      health,
      queueStatus,
      rateLimitCleanup,
      all: [...functions, tables.widget, tables.action],
    });
    new DatabaseDown(this, 'DatabaseDown', {
      stage,
      alarms,
      staleJobMonitor,
      dlqMonitor,
      symptoms: [
        ...queueAlarms.monitors.flatMap(({ missedRuns, errors }) => [missedRuns, errors]),
        ...apiAlarms.symptoms,
        ...functionAlarms.symptoms,
      ],
      symptomsOfTheDay: queueAlarms.monitors.map(({ uptime }) => uptime),
    });
    // Last, as it shows every alarm.
    new Dashboard(this, 'Dashboard', {
      stage,
      alarms,
      tables,
      queue: jobs.queue,
      deadLetterQueue: jobs.deadLetterQueue,
      staleJobMonitor,
      dlqMonitor,
      staleThreshold,
      functions: [...functions, tables.widget, tables.action],
    });
  }
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
