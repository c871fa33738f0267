import { text, type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Name of the SSM SecureString that holds the key. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  SQS_DLQ_URL: text,
  STALE_THRESHOLD_MINUTES: wholeNumber(1),
  /** The stale-job-monitor's period: its next run sends the message of a recovered job. */
  STALE_CHECK_MINUTES: wholeNumber(1),
};

export type DashboardActionVariables = Variables<typeof environment>;

export const SERVICE = 'dashboard-action';
