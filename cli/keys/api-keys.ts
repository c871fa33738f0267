import {
  type APIGatewayClient,
  CreateApiKeyCommand,
  CreateUsagePlanKeyCommand,
  DeleteApiKeyCommand,
  paginateGetUsagePlanKeys,
  paginateGetUsagePlans,
} from '@aws-sdk/client-api-gateway';

export const PLANS = ['starter', 'pro', 'enterprise'] as const;
export type Plan = (typeof PLANS)[number];

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
}

/** The stage's API keys, each of one plan. Keys of other stages and other APIs are not seen, and so not touched. */
export interface ApiKeys {
  list(): Promise<ApiKey[]>;
  /** @returns the key and its value, which the customer sends as x-api-key */
  create(plan: Plan, name: string, description: string): Promise<ApiKey & { readonly value: string }>;
  revoke(id: string): Promise<void>;
}

export function connectApiKeys(client: APIGatewayClient, stage: string): ApiKeys {
  async function planIds(): Promise<Map<Plan, string>> {
    const ids = new Map<Plan, string>();
    for await (const { items = [] } of paginateGetUsagePlans({ client, pageSize: 500 }, {})) {
      for (const { id, name } of items) {
        const plan = PLANS.find((one) => name === `queuekeeper-${stage}-${one}`);
        if (plan && id) ids.set(plan, id);
      }
    }
    return ids;
  }

  return {
    async list() {
      const keys: ApiKey[] = [];
      for (const [plan, usagePlanId] of await planIds()) {
        for await (const { items = [] } of paginateGetUsagePlanKeys({ client, pageSize: 500 }, { usagePlanId })) {
          keys.push(...items.map(({ id = '', name = '' }) => ({ id, name, plan })));
        }
      }
      return keys.toSorted((a, b) => a.name.localeCompare(b.name));
    },
    async create(plan, name, description) {
      const usagePlanId = (await planIds()).get(plan);
      if (!usagePlanId) {
        throw new Error(`there is no usage plan queuekeeper-${stage}-${plan}: deploy the stack first (npm run deploy)`);
      }
      const { id = '', value = '' } = await client.send(new CreateApiKeyCommand({ name, description, enabled: true }));
      try {
        await client.send(new CreateUsagePlanKeyCommand({ usagePlanId, keyId: id, keyType: 'API_KEY' }));
      } catch (error) {
        // A key without a plan opens nothing, and would be in nobody's list.
        await client.send(new DeleteApiKeyCommand({ apiKey: id }));
        throw error;
      }
      return { id, name, plan, value };
    },
    async revoke(id) {
      await client.send(new DeleteApiKeyCommand({ apiKey: id }));
    },
  };
}
