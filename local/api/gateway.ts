import type { ServerResponse } from 'node:http';
import type { Handle } from '../front-door.ts';
import type { InvocationResult } from '../function-process.ts';
import { createAdmission } from './admission.ts';
import type { Answer } from './answer.ts';
import type { GatewayContext } from './context.ts';
import { proxyEvent } from './event.ts';
import { functionAnswer, MOST_PAYLOAD_BYTES } from './function-answer.ts';
import { gatewayResponse } from './gateway-response.ts';
import type { ApiKeys } from './keys.ts';
import type { MethodPlan, ProxyPlan } from './method-plan.ts';
import { mockAnswer } from './mock-answer.ts';
import type { ApiPlan } from './plan.ts';
import { Refusal } from './refusal.ts';
import { type ApiRequest, headerOf, readBody, readRequest } from './request.ts';
import { requestContext, withKey } from './request-context.ts';
import { type Match, matchResource, methodOf } from './route.ts';

/** Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html */
const MOST_BODY_BYTES = 10 * 1024 * 1024;
const MOST_HEAD_BYTES = 10_240;

export type Served = {
  /** Empty where the path is none of the API's. */
  readonly resourcePath: string;
  readonly httpMethod: string;
  readonly status: number;
  readonly latencyMs: number;
};

export type GatewayOptions = {
  readonly plan: ApiPlan;
  readonly keys: ApiKeys;
  readonly invoke: (functionName: string, event: object) => Promise<InvocationResult>;
  readonly onServed?: (served: Served) => void;
  readonly now?: () => number;
};

/** API Gateway's part: serves the plan's API, each request through the steps that it goes through there. */
export function createGateway({ plan, keys, invoke, onServed = () => {}, now = Date.now }: GatewayOptions): Handle {
  const admit = createAdmission(plan, keys, now);

  async function answer({ request, match, context, readAll }: Asked): Promise<Answer> {
    if (request.headBytes > MOST_HEAD_BYTES) throw new Refusal('REQUEST_TOO_LARGE');
    const method = match && methodOf(match.resource, request.method);
    if (!method) throw new Refusal('MISSING_AUTHENTICATION_TOKEN');
    const route = `${method.httpMethod} ${match.resource.path}`;
    const key = admit({ method, route, keyValue: headerOf(request, 'x-api-key') });
    assertParameters(method, request, match);
    const body = await readAll();
    if (!body) throw new Refusal('REQUEST_TOO_LARGE');
    const known = withKey(context, key);
    if (method.integration.type === 'MOCK') {
      const [accept, contentType] = [headerOf(request, 'accept'), headerOf(request, 'content-type')];
      return mockAnswer(method.integration, { accept, contentType, body: body.toString() }, known);
    }
    const { pathParameters } = match;
    const { stageVariables } = plan;
    const event = proxyEvent({ request, body, pathParameters, stageVariables, context: known });
    return functionAnswer(await call(method.integration, event));
  }

  /** The function runs on after the gateway has given up, as on Lambda. */
  async function call({ functionName, timeoutMs }: ProxyPlan, event: object): Promise<InvocationResult> {
    if (Buffer.byteLength(JSON.stringify(event)) > MOST_PAYLOAD_BYTES) throw new Refusal('REQUEST_TOO_LARGE');
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Refusal('INTEGRATION_TIMEOUT')), timeoutMs);
    return Promise.race([invoke(functionName, event), late.promise]).finally(() => clearTimeout(timer));
  }

  return async (incoming, response) => {
    const startedAt = now();
    const request = readRequest(incoming);
    const match = matchResource(plan.resources, request.path);
    const context = requestContext(plan, request, { resource: match?.resource, at: new Date(startedAt) });
    const readAll = () => readBody(incoming, MOST_BODY_BYTES);
    const answered = await answer({ request, match, context, readAll }).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
      return gatewayResponse(error, plan.gatewayResponses, { context, accept: headerOf(request, 'accept') });
    });
    send(response, answered, context);
    const { resourcePath, httpMethod } = context;
    onServed({ resourcePath, httpMethod, status: answered.status, latencyMs: now() - startedAt });
  };
}

type Asked = {
  readonly request: ApiRequest;
  readonly match: Match | undefined;
  readonly context: GatewayContext;
  readonly readAll: () => Promise<Buffer | undefined>;
};

function assertParameters({ required }: MethodPlan, request: ApiRequest, { pathParameters }: Match): void {
  const missing = required.filter((parameter) => {
    const [where, name = ''] = parameter.split('.');
    if (where === 'path') return !Object.hasOwn(pathParameters, name);
    if (where === 'querystring') return !request.query.some(([one]) => one === name);
    return headerOf(request, name.toLowerCase()) === undefined;
  });
  if (missing.length === 0) return;
  const names = missing.map((parameter) => parameter.split('.')[1]).join(', ');
  throw new Refusal('BAD_REQUEST_PARAMETERS', { message: `Missing required request parameters: [${names}]` });
}

function send(response: ServerResponse, { status, headers, body }: Answer, context: GatewayContext): void {
  for (const [name, values] of headers) response.setHeader(name, values.length === 1 ? (values[0] as string) : values);
  response.setHeader('x-amzn-requestid', context.requestId);
  response.setHeader('x-amz-apigw-id', context.extendedRequestId);
  if (status !== 204) response.setHeader('content-length', body.length);
  response.writeHead(status).end(status === 204 ? undefined : body);
}
