import { text, wholeNumber } from './environment.ts';

/** What both functions of the dashboard need from their construct. */
export const dashboardEnvironment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Name of the SSM SecureString that holds the key. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  SQS_DLQ_URL: text,
  STALE_THRESHOLD_MINUTES: wholeNumber(1),
  /** The stale-job-monitor's period: its next run sends the message of a recovered job. */
  STALE_CHECK_MINUTES: wholeNumber(1),
};
