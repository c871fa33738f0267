import { z } from 'zod';
import { list, optional, wholeNumber } from './setting-fields.ts';

/** What one usage plan lets a key do. All three are API Gateway's own, and only roughly kept by it. */
export interface UsagePlanSettings {
  readonly ratePerSecond: number;
  /** Requests at once. */
  readonly burst: number;
  readonly quotaPerMonth: number;
}

const PLAN = 'requests per second, burst and requests per month, such as 20,200,100000';

const usagePlan = (fallback: string) =>
  optional(
    z
      .string()
      .regex(/^\s*[1-9]\d{0,8}\s*(,\s*[1-9]\d{0,8}\s*){2}$/, PLAN)
      .default(fallback)
      .transform((text): UsagePlanSettings => {
        const [ratePerSecond = 0, burst = 0, quotaPerMonth = 0] = text.split(',').map(Number);
        return { ratePerSecond, burst, quotaPerMonth };
      }),
  );

const ORIGINS = 'origins such as https://example.com, without a slash or path at the end, separated by commas';

const headerName = optional(
  z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/i, 'the name of a header')
    .refine((name) => name.toLowerCase() !== 'x-forwarded-for', 'a header that only your proxy can write')
    .transform((name) => name.toLowerCase())
    .optional(),
);

/** The settings of the public API. */
export const apiSettings = {
  /** Exactly so many requests per caller and route … */
  RATE_LIMIT_REQUESTS: wholeNumber(1, 1_000_000, 100),
  /** … in any span of so many seconds. */
  RATE_LIMIT_WINDOW_SECONDS: wholeNumber(1, 3600, 60),
  /** shadow: count and report, refuse nobody. */
  RATE_LIMIT_MODE: optional(z.enum(['enforce', 'shadow'], 'enforce or shadow').default('enforce')),
  /** Records of requests are kept so long, to be looked at. */
  RATE_LIMIT_RETENTION_HOURS: wholeNumber(1, 720, 24),

  USAGE_PLAN_STARTER: usagePlan('20,200,100000'),
  USAGE_PLAN_PRO: usagePlan('50,500,1000000'),
  USAGE_PLAN_ENTERPRISE: usagePlan('100,1000,10000000'),
  /** public: GET /api/queue/{customerId} answers anybody who knows or guesses a customer's id. */
  QUEUE_API_ACCESS: optional(z.enum(['key', 'public'], 'key or public').default('key')),
  /** Sites whose pages may read the API from a browser, separated by commas. */
  API_CORS_ORIGINS: list(
    z
      .string()
      .regex(/^https?:\/\/[a-z0-9.-]+(:\d+)?$/i, ORIGINS)
      .refine(URL.canParse, ORIGINS)
      // As browsers write it, in lower case and without a usual port, for it is compared letter by letter.
      .transform((origin) => new URL(origin).origin),
  ),

  /** Both given: the API answers there, too. The certificate is one of ACM, in the stack's region. */
  API_DOMAIN_NAME: optional(
    z
      .string()
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a host name such as api.example.com')
      .optional(),
  ),
  API_CERTIFICATE_ARN: optional(
    z
      .string()
      .regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, 'the ARN of an ACM certificate')
      .optional(),
  ),

  /** Both given: requests that bear PROXY_SECRET in the second header come from the client whose address is in the first. */
  PROXY_ADDRESS_HEADER: headerName,
  PROXY_SECRET_HEADER: headerName,
};

type ApiSettings = z.infer<z.ZodObject<typeof apiSettings>>;

/** What is wrong between two settings. */
export function apiSettingsProblems(settings: ApiSettings): string[] {
  return [
    ...bothOrNeither(settings, 'API_DOMAIN_NAME', 'API_CERTIFICATE_ARN'),
    ...bothOrNeither(settings, 'PROXY_ADDRESS_HEADER', 'PROXY_SECRET_HEADER'),
    ...oneHeaderForTwo(settings),
    ...(['USAGE_PLAN_STARTER', 'USAGE_PLAN_PRO', 'USAGE_PLAN_ENTERPRISE'] as const).flatMap((name) =>
      tightPlan(name, settings),
    ),
  ];
}

function bothOrNeither(settings: ApiSettings, first: keyof ApiSettings, second: keyof ApiSettings): string[] {
  if (Boolean(settings[first]) === Boolean(settings[second])) return [];
  const [missing, given] = settings[first] ? [second, first] : [first, second];
  return [`${missing} is missing, wanted both it and ${given}, or neither`];
}

/** The address would be taken for the secret, which it never is: all clients of the proxy would be one caller. */
function oneHeaderForTwo({ PROXY_ADDRESS_HEADER, PROXY_SECRET_HEADER }: ApiSettings): string[] {
  if (!PROXY_ADDRESS_HEADER || PROXY_ADDRESS_HEADER !== PROXY_SECRET_HEADER) return [];
  return [`PROXY_ADDRESS_HEADER and PROXY_SECRET_HEADER are both "${PROXY_SECRET_HEADER}", wanted two headers`];
}

/** The gateway's throttle is not exact: where it came first, the exact limit would never be seen. */
function tightPlan(name: 'USAGE_PLAN_STARTER' | 'USAGE_PLAN_PRO' | 'USAGE_PLAN_ENTERPRISE', settings: ApiSettings) {
  const { RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_WINDOW_SECONDS: seconds } = settings;
  const { ratePerSecond, burst } = settings[name];
  const leastRate = Math.ceil((5 * requests) / seconds);
  if (burst >= 2 * requests && ratePerSecond >= leastRate) return [];
  return [
    `${name} has ${ratePerSecond} requests per second and a burst of ${burst}, wanted at least ${leastRate} and ` +
      `${2 * requests}: the gateway's rough throttle must not come before the exact limit of ${requests} in ${seconds} s`,
  ];
}
