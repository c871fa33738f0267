import type { Resolved } from '../alarm-plan.ts';

/** A bucket of `burst` tokens that fills at `ratePerSecond`; a request takes one. */
export type Throttle = { readonly ratePerSecond: number; readonly burst: number };

export type QuotaPeriod = 'DAY' | 'WEEK' | 'MONTH';

export type UsagePlan = {
  readonly id: string;
  readonly name: string;
  readonly throttle: Throttle | undefined;
  /** By `GET /api/health`, where a method has its own. */
  readonly methodThrottles: ReadonlyMap<string, Throttle>;
  readonly quota: { readonly limit: number; readonly period: QuotaPeriod } | undefined;
  readonly stages: readonly { readonly apiId: string; readonly stage: string }[];
};

type ThrottleProperties = { RateLimit?: number; BurstLimit?: number };
type ApiStage = { ApiId: string; Stage: string; Throttle?: Record<string, ThrottleProperties> };

export function planUsage([id, properties]: Resolved): UsagePlan {
  const { UsagePlanName, Throttle, Quota, ApiStages } = properties as {
    UsagePlanName?: string;
    Throttle?: ThrottleProperties;
    Quota?: { Limit?: number; Period?: QuotaPeriod };
    ApiStages?: ApiStage[];
  };
  const stages = ApiStages ?? [];
  const ofMethods = stages.flatMap(({ Throttle: own = {} }) => Object.entries(own));
  return {
    id,
    name: UsagePlanName ?? id,
    throttle: Throttle && planThrottle(Throttle),
    methodThrottles: new Map(ofMethods.map(([method, own]) => [routeOf(method), planThrottle(own)])),
    quota: Quota?.Limit === undefined ? undefined : { limit: Quota.Limit, period: Quota.Period ?? 'MONTH' },
    stages: stages.map(({ ApiId, Stage }) => ({ apiId: ApiId, stage: Stage })),
  };
}

function planThrottle({ RateLimit = Infinity, BurstLimit = Infinity }: ThrottleProperties): Throttle {
  return { ratePerSecond: RateLimit, burst: BurstLimit };
}

/** `/api/health/GET` is `GET /api/health`. */
function routeOf(method: string): string {
  const slash = method.lastIndexOf('/');
  return `${method.slice(slash + 1)} ${method.slice(0, slash)}`;
}
