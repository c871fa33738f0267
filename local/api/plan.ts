import type { Resolved } from '../alarm-plan.ts';
import type { FunctionTargets } from '../function-targets.ts';
import { assertVariables, type Templates } from './context.ts';
import { type MethodPlan, planMethod } from './method-plan.ts';
import { planUsage, type Throttle, type UsagePlan } from './usage-plan.ts';

export type ResourcePlan = {
  readonly id: string;
  /** As the template builds it: `/api/queue/{customerId}`. */
  readonly path: string;
  readonly methods: readonly MethodPlan[];
};

/** What the gateway itself answers in one case. */
export type GatewayResponsePlan = {
  /** Undefined: the one that API Gateway has for the case. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly templates: Templates;
};

export type KeyPlan = {
  readonly id: string;
  readonly name: string;
  readonly value?: string;
  readonly enabled: boolean;
};

export type ApiPlan = {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  readonly stageVariables: Readonly<Record<string, string>> | null;
  readonly resources: readonly ResourcePlan[];
  /** By their types: `THROTTLED`, `DEFAULT_4XX`. */
  readonly gatewayResponses: ReadonlyMap<string, GatewayResponsePlan>;
  /** The stage's throttles by `GET /api/health`, or by `*` for every other method. */
  readonly throttles: ReadonlyMap<string, Throttle>;
  readonly usagePlans: readonly UsagePlan[];
  readonly keys: readonly KeyPlan[];
  /** Ids of a key and of the plan that it is in. */
  readonly members: readonly { readonly keyId: string; readonly planId: string }[];
};

type OfType = (type: string) => readonly Resolved[];

/** The template's REST API and who may use it how much. */
export function planApi(ofType: OfType, targets: FunctionTargets): ApiPlan | undefined {
  const of = (name: string) => ofType(`AWS::ApiGateway::${name}`);
  const api = theOnly('RestApi', of('RestApi'));
  const stage = theOnly('Stage', of('Stage'));
  if (!api || !stage) return undefined;
  const [id, { Name, ApiKeySourceType = 'HEADER' }] = api;
  if (ApiKeySourceType !== 'HEADER') {
    throw new Error(`${id}: the local system understands ApiKeySourceType HEADER, not ${ApiKeySourceType}`);
  }
  const validators = new Map(of('RequestValidator').map(([validatorId, properties]) => [validatorId, properties]));
  const methods = of('Method').map((method) => planMethod(method, { targets, validators }));
  return {
    id,
    name: String(Name),
    stage: String(stage[1]['StageName']),
    stageVariables: (stage[1]['Variables'] as Record<string, string>) ?? null,
    resources: resourcePaths(`${id}/`, of('Resource')).map(([resourceId, path]) => ({
      id: resourceId,
      path,
      methods: methods.filter((method) => method.resourceId === resourceId),
    })),
    gatewayResponses: new Map(of('GatewayResponse').map(planGatewayResponse)),
    throttles: new Map(((stage[1]['MethodSettings'] ?? []) as MethodSetting[]).flatMap(planThrottle)),
    usagePlans: of('UsagePlan').map(planUsage),
    keys: of('ApiKey').map(([keyId, { Name: name, Value, Enabled = false }]) => ({
      id: keyId,
      name: String(name ?? keyId),
      value: Value as string | undefined,
      enabled: Boolean(Enabled),
    })),
    members: of('UsagePlanKey').map(([, { KeyId, UsagePlanId }]) => ({
      keyId: String(KeyId),
      planId: String(UsagePlanId),
    })),
  };
}

function theOnly(type: string, found: readonly Resolved[]): Resolved | undefined {
  if (found.length <= 1) return found[0];
  throw new Error(`The template has ${found.length} resources AWS::ApiGateway::${type}; the local system runs 1`);
}

/** The path of the root and of each resource under it. */
function resourcePaths(rootId: string, resources: readonly Resolved[]): [id: string, path: string][] {
  const byId = new Map(resources);
  const pathOf = (id: string): string => {
    if (id === rootId) return '';
    const properties = byId.get(id);
    if (!properties) throw new Error(`${id}: the template has no such resource of the API`);
    return `${pathOf(String(properties['ParentId']))}/${properties['PathPart']}`;
  };
  return [[rootId, '/'], ...resources.map(([id]): [string, string] => [id, pathOf(id)])];
}

function planGatewayResponse([id, properties]: Resolved): [type: string, plan: GatewayResponsePlan] {
  const { ResponseType, StatusCode, ResponseParameters = {}, ResponseTemplates = {} } = properties;
  const templates = ResponseTemplates as Templates;
  for (const template of Object.values(templates)) assertVariables(template, id);
  const headers = Object.entries(ResponseParameters as Record<string, string>).map(([name, value]) => [
    name.replace(/^gatewayresponse\.header\./, ''),
    value,
  ]);
  const status = StatusCode === undefined ? undefined : Number(StatusCode);
  return [String(ResponseType), { status, headers: Object.fromEntries(headers), templates }];
}

type MethodSetting = {
  HttpMethod: string;
  ResourcePath: string;
  ThrottlingRateLimit?: number;
  ThrottlingBurstLimit?: number;
};

/** `/~1api~1health` with the method GET is `GET /api/health`; `/*` is every path. */
function planThrottle({ HttpMethod, ResourcePath, ThrottlingRateLimit, ThrottlingBurstLimit }: MethodSetting) {
  if (ThrottlingRateLimit === undefined || ThrottlingBurstLimit === undefined) return [];
  const path = ResourcePath.slice(1).replaceAll('~1', '/');
  const throttle = { ratePerSecond: ThrottlingRateLimit, burst: ThrottlingBurstLimit };
  return [[path === '*' ? '*' : `${HttpMethod} ${path}`, throttle] as const];
}
