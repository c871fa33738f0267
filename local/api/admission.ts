import type { ApiKey, ApiKeys } from './keys.ts';
import type { MethodPlan } from './method-plan.ts';
import type { ApiPlan } from './plan.ts';
import { createQuotas } from './quota.ts';
import { Refusal } from './refusal.ts';
import { createTokenBuckets } from './token-bucket.ts';
import type { UsagePlan } from './usage-plan.ts';

export type Wish = {
  readonly method: MethodPlan;
  /** `GET /api/health` */
  readonly route: string;
  /** The header x-api-key. */
  readonly keyValue: string | undefined;
};

/**
 * Who gets through to an integration: first the throttle and quota of a key's plan, then the throttle of the stage,
 * which all callers of a method share. Real throttles are spread over machines and less exact.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
 */
export function createAdmission(plan: ApiPlan, keys: ApiKeys, now: () => number) {
  const takeToken = createTokenBuckets(now);
  const quotas = createQuotas(now);

  function admitKey(key: ApiKey | undefined, route: string): ApiKey {
    const usagePlan = key?.enabled ? planOf(key) : undefined;
    if (!key || !usagePlan) throw new Refusal('INVALID_API_KEY');
    const throttle = usagePlan.methodThrottles.get(route) ?? usagePlan.throttle;
    if (throttle && !takeToken(`${key.id} ${route}`, throttle)) throw new Refusal('THROTTLED');
    if (usagePlan.quota && !quotas.take(key.id, usagePlan.quota)) throw new Refusal('QUOTA_EXCEEDED');
    return key;
  }

  function planOf({ planId }: ApiKey): UsagePlan | undefined {
    const found = plan.usagePlans.find(({ id }) => id === planId);
    return found?.stages.some(({ apiId, stage }) => apiId === plan.id && stage === plan.stage) ? found : undefined;
  }

  /** @throws Refusal; answers the key where the method needs one */
  return function admit({ method, route, keyValue }: Wish): ApiKey | undefined {
    const key = method.apiKeyRequired ? admitKey(keyValue ? keys.byValue(keyValue) : undefined, route) : undefined;
    const stageThrottle = plan.throttles.get(route) ?? plan.throttles.get('*');
    if (stageThrottle && !takeToken(`stage ${route}`, stageThrottle)) throw new Refusal('THROTTLED');
    return key;
  };
}
