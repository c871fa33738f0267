import { text, type Variables, wholeNumber } from '../shared/environment.ts';

/** The contract between this function and its construct. */
export const environment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Name of the SSM SecureString that holds the key. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  /** Records of requests older than this go. */
  RATE_LIMIT_RETENTION_HOURS: wholeNumber(1),
};

export type RateLimitCleanupVariables = Variables<typeof environment>;

/** Its service name, a dimension of its metrics. */
export const SERVICE = 'rate-limit-cleanup';

/** Its CloudWatch metrics. */
export const METRICS = { deleted: 'RateLimitRecordsDeleted' } as const;
