import { gatewaySamples } from '../aws-metrics.ts';
import type { FrontDoor } from '../front-door.ts';
import type { Metrics } from '../metrics.ts';
import { createGateway, type GatewayOptions } from './gateway.ts';
import { type ApiKeys, createApiKeys } from './keys.ts';
import type { ApiPlan } from './plan.ts';

export type StartApiOptions = {
  readonly plan: ApiPlan;
  readonly door: FrontDoor;
  readonly metrics: Metrics;
  readonly invoke: GatewayOptions['invoke'];
  /** Where keys are kept between starts; undefined: nowhere. */
  readonly keysFile: string | undefined;
};

/** Serves the API at every path of the front door that nothing else has. Answers its keys. */
export function startApi({ plan, door, metrics, invoke, keysFile }: StartApiOptions): ApiKeys {
  const keys = createApiKeys({ plan, file: keysFile });
  const onServed: GatewayOptions['onServed'] = (served) => gatewaySamples(plan, served).forEach(metrics.add);
  door.otherwise(createGateway({ plan, keys, invoke, onServed }));
  return keys;
}
