import { dashboardEnvironment } from '../shared/dashboard-env.ts';
import { optionalText, text, type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  ...dashboardEnvironment,
  /** So many requests per caller and route … */
  RATE_LIMIT_REQUESTS: wholeNumber(1, 1_000_000),
  /** … in any window of this length. */
  RATE_LIMIT_WINDOW_MS: wholeNumber(1, 3_600_000),
  /** The function behind the buttons that change something. */
  ACTION_FUNCTION_ARN: text,
  RUNBOOK_URL: optionalText,
};

export type DashboardWidgetVariables = Variables<typeof environment>;

export const SERVICE = 'dashboard-widget';

/** What the dashboard's custom widgets show: the parameter `view` of each. */
export const WIDGETS = ['stale-jobs', 'dead-letters', 'callers', 'events'] as const;
