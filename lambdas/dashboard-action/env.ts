import { dashboardEnvironment } from '../shared/dashboard-env.ts';
import type { Variables } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = dashboardEnvironment;

export type DashboardActionVariables = Variables<typeof environment>;

export const SERVICE = 'dashboard-action';
