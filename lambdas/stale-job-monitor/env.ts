import { share, text, type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Name of the SSM SecureString that holds the key. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  SQS_QUEUE_URL: text,
  STALE_THRESHOLD_MINUTES: wholeNumber(1),
  /** Jobs recovered per statement. */
  RECOVERY_BATCH_SIZE: wholeNumber(1, 1000),
  /** An outage is suspected from this many running jobs … */
  BREAKER_MIN_RUNNING: wholeNumber(1),
  /** … when more than this share of them is stale at once; … */
  BREAKER_SHARE: share(),
  /** … then only this many are recovered per run. */
  CANARY_SIZE: wholeNumber(1),
};

export type StaleJobMonitorVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'stale-job-monitor';

/** Its CloudWatch metrics; the construct turns them into alarms. */
export const METRICS = {
  detected: 'StaleJobsDetected',
  recovered: 'JobsRecovered',
  failed: 'JobsFailed',
  dispatched: 'MessagesDispatched',
  dispatchFailures: 'DispatchFailures',
  oldestStaleAge: 'OldestStaleAgeSeconds',
  breakerOpen: 'BreakerOpen',
  lateCompletions: 'LateCompletionsRefused',
  duration: 'RunDuration',
  heartbeat: 'Heartbeat',
  /** 1: the run could not ask the database; 0: it could. */
  databaseUnavailable: 'DatabaseUnavailable',
} as const;
