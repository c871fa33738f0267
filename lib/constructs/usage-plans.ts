import { ApiKey, Period, type RestApi, UsagePlan } from 'aws-cdk-lib/aws-apigateway';
import { Construct } from 'constructs';
import type { UsagePlanSettings } from '../api-settings.ts';

export interface UsagePlansProps {
  readonly stage: string;
  readonly api: RestApi;
  readonly plans: Plans;
}

/** What a key of each plan may do. */
export type Plans = {
  readonly starter: UsagePlanSettings;
  readonly pro: UsagePlanSettings;
  readonly enterprise: UsagePlanSettings;
};

/** What keys may do, by plan, and a first key. Rough by nature; the exact limit is the functions'. */
export class UsagePlans extends Construct {
  readonly firstKey: ApiKey;

  constructor(scope: Construct, id: string, { stage, api, plans }: UsagePlansProps) {
    super(scope, id);
    const add = (planId: string, name: keyof Plans) => {
      const { ratePerSecond, burst, quotaPerMonth } = plans[name];
      return new UsagePlan(this, planId, {
        name: `queuekeeper-${stage}-${name}`,
        description: `${ratePerSecond} requests per second, ${burst} at once, ${quotaPerMonth} per month`,
        throttle: { rateLimit: ratePerSecond, burstLimit: burst },
        quota: { limit: quotaPerMonth, period: Period.MONTH },
        apiStages: [{ stage: api.deploymentStage }],
      });
    };
    const starter = add('Starter', 'starter');
    add('Pro', 'pro');
    add('Enterprise', 'enterprise');
    // AWS makes its value up, so that no template holds it.
    this.firstKey = new ApiKey(this, 'FirstKey', {
      apiKeyName: `queuekeeper-${stage}-first`,
      description: 'The first key of the API, in the plan starter',
    });
    starter.addApiKey(this.firstKey);
  }
}
