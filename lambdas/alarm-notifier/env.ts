import { text, type Variables } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  STAGE: text,
  /** Name of the SSM SecureString that holds the webhook's URL. */
  SLACK_WEBHOOK_URL_PARAMETER: text,
};

export type AlarmNotifierVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'alarm-notifier';

/** The alarms about this function itself, by the ends of their names. */
export const OWN_ALARMS = { delivery: 'alarm-delivery-failed', errors: 'alarm-notifier-errors' } as const;

/** Its CloudWatch metrics; the construct turns them into alarms. */
export const METRICS = { sent: 'AlertsSent', failed: 'AlertsFailed' } as const;
