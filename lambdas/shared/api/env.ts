import { oneOf, optionalText, text, wholeNumber } from '../environment.ts';

/** What both functions of the API need from their construct. */
export const apiEnvironment = {
  STAGE: text,
  SUPABASE_URL: text,
  /** Name of the SSM SecureString that holds the key. */
  SUPABASE_SERVICE_KEY_PARAMETER: text,
  /** So many requests per caller and route … */
  RATE_LIMIT_REQUESTS: wholeNumber(1, 1_000_000),
  /** … in any window of this length. */
  RATE_LIMIT_WINDOW_MS: wholeNumber(1, 3_600_000),
  /** enforce, or shadow: count and report, refuse nobody. */
  RATE_LIMIT_MODE: oneOf('enforce', 'shadow'),
  /** Origins whose pages may read the answers, separated by commas. */
  CORS_ORIGINS: optionalText,
  /** Headers in which a proxy of the team's own sends the client's address and proves itself; all three or none. */
  PROXY_ADDRESS_HEADER: optionalText,
  PROXY_SECRET_HEADER: optionalText,
  PROXY_SECRET_PARAMETER: optionalText,
};

/** The CloudWatch metrics of a function of the API. */
export const API_METRICS = {
  requests: 'Requests',
  /** 429s by the exact limit, and those that shadow mode let through. */
  rateLimited: 'RateLimited',
  rateLimitUnavailable: 'RateLimitUnavailable',
  /** Callers seen with at most a fifth of their limit left. */
  nearLimit: 'NearLimit',
  latency: 'Latency',
  /** Answers of 500: faults of ours. */
  serverErrors: 'ServerErrors',
} as const;
