import type { Resolved } from '../alarm-plan.ts';
import type { FunctionTargets } from '../function-targets.ts';
import { assertVariables, type Templates } from './context.ts';

export type ProxyPlan = { readonly type: 'AWS_PROXY'; readonly functionName: string; readonly timeoutMs: number };

/** What a mock integration answers when its status fits. */
export type MockAnswer = {
  readonly status: number;
  /** Undefined: when no other answer fits. */
  readonly pattern: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly templates: Templates;
};

export type MockPlan = {
  readonly type: 'MOCK';
  readonly requestTemplates: Templates;
  readonly passthrough: string;
  readonly answers: readonly MockAnswer[];
};

export type MethodPlan = {
  readonly resourceId: string;
  /** GET, … or ANY. */
  readonly httpMethod: string;
  readonly apiKeyRequired: boolean;
  /** Parameters without which a request is refused: `path.customerId`, `querystring.limit`, `header.Accept`. */
  readonly required: readonly string[];
  readonly integration: ProxyPlan | MockPlan;
};

type Surroundings = {
  readonly targets: FunctionTargets;
  readonly validators: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
};

/** API Gateway's own, where a template names none. */
const MOST_TIMEOUT_MS = 29_000;

export function planMethod([id, properties]: Resolved, { targets, validators }: Surroundings): MethodPlan {
  const { AuthorizationType, HttpMethod, ApiKeyRequired = false, RequestParameters = {}, Integration } = properties;
  if (AuthorizationType !== 'NONE') {
    throw new Error(`${id}: the local system understands AuthorizationType NONE, not ${AuthorizationType}`);
  }
  const validator = validators.get(String(properties['RequestValidatorId']));
  const required = Object.entries(RequestParameters as Record<string, boolean>).filter(([, isRequired]) => isRequired);
  return {
    resourceId: String(properties['ResourceId']),
    httpMethod: String(HttpMethod),
    apiKeyRequired: Boolean(ApiKeyRequired),
    required: validator?.['ValidateRequestParameters']
      ? required.map(([name]) => name.replace(/^method\.request\./, ''))
      : [],
    integration: planIntegration(id, (Integration ?? {}) as Integration, targets),
  };
}

type Integration = {
  Type?: string;
  Uri?: string;
  IntegrationHttpMethod?: string;
  TimeoutInMillis?: number;
  RequestTemplates?: Templates;
  PassthroughBehavior?: string;
  IntegrationResponses?: IntegrationResponse[];
};

type IntegrationResponse = {
  StatusCode: string;
  SelectionPattern?: string;
  ResponseParameters?: Record<string, string>;
  ResponseTemplates?: Templates;
};

const KNOWN = new Set([
  'Type',
  'Uri',
  'IntegrationHttpMethod',
  'TimeoutInMillis',
  'RequestTemplates',
  'PassthroughBehavior',
  'IntegrationResponses',
]);

function planIntegration(id: string, integration: Integration, targets: FunctionTargets): ProxyPlan | MockPlan {
  const unknown = Object.keys(integration).find((name) => !KNOWN.has(name));
  if (unknown) throw new Error(`${id}: the local system does not understand ${unknown} of an integration`);
  if (integration.Type === 'AWS_PROXY') return planProxy(id, integration, targets);
  if (integration.Type === 'MOCK') return planMock(id, integration);
  throw new Error(`${id}: the local system understands AWS_PROXY and MOCK integrations, not ${integration.Type}`);
}

function planProxy(
  id: string,
  { Uri = '', IntegrationHttpMethod, TimeoutInMillis }: Integration,
  targets: FunctionTargets,
) {
  const [, arn] = /^arn:aws:apigateway:[^:]+:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/.exec(Uri) ?? [];
  const functionName = arn && targets.get(arn);
  if (!functionName) throw new Error(`${id}: its integration ${Uri} is not a function of this stack`);
  // Lambda is invoked by POST, whatever the client sent; anything else fails in AWS on the first request.
  if (IntegrationHttpMethod !== 'POST') {
    throw new Error(`${id}: IntegrationHttpMethod is ${IntegrationHttpMethod}, wanted POST for a function`);
  }
  return { type: 'AWS_PROXY' as const, functionName, timeoutMs: TimeoutInMillis ?? MOST_TIMEOUT_MS };
}

function planMock(id: string, integration: Integration): MockPlan {
  const { RequestTemplates = {}, PassthroughBehavior = 'WHEN_NO_MATCH', IntegrationResponses = [] } = integration;
  const answers = IntegrationResponses.map(
    ({ StatusCode, SelectionPattern, ResponseParameters = {}, ResponseTemplates = {} }): MockAnswer => ({
      status: Number(StatusCode),
      pattern: SelectionPattern,
      headers: Object.fromEntries(
        Object.entries(ResponseParameters).map(([name, value]) => [
          name.replace(/^method\.response\.header\./, ''),
          value,
        ]),
      ),
      templates: ResponseTemplates,
    }),
  );
  const templates = [RequestTemplates, ...answers.map((answer) => answer.templates)].flatMap(Object.values<string>);
  for (const template of templates) assertVariables(template, id);
  return { type: 'MOCK', requestTemplates: RequestTemplates, passthrough: PassthroughBehavior, answers };
}
