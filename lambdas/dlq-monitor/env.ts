import { optionalText, text, type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Names of the SSM SecureStrings that hold the key and the webhook's URL. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  SLACK_WEBHOOK_URL_PARAMETER: text,
  SQS_DLQ_URL: text,
  /** Dead letters from which Slack hears of them. */
  DLQ_ALERT_THRESHOLD: wholeNumber(1),
  /** Name of the SSM parameter in which this function remembers what it said. Its lock bears the name and `-lock`. */
  ALERT_STATE_NAME: text,
  RUNBOOK_URL: optionalText,
  DASHBOARD_URL: optionalText,
};

export type DlqMonitorVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'dlq-monitor';

/** Its CloudWatch metrics; the construct turns them into alarms. */
export const METRICS = {
  depth: 'DeadLetterDepth',
  fresh: 'NewDeadLetters',
  oldestExpiry: 'OldestDeadLetterExpirySeconds',
  sent: 'AlertsSent',
  failed: 'AlertsFailed',
  heartbeat: 'Heartbeat',
} as const;
