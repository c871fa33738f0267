import { randomBytes, randomUUID } from 'node:crypto';
import { ACCOUNT_ID } from '../template-scope.ts';
import type { GatewayContext } from './context.ts';
import type { ApiKey } from './keys.ts';
import type { ApiPlan, ResourcePlan } from './plan.ts';
import { type ApiRequest, headerOf } from './request.ts';

const NOBODY = {
  accessKey: null,
  accountId: null,
  caller: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
};

/** `$context` of a request, as an API under a domain of its own has it: without the stage in the path. */
export function requestContext(
  plan: ApiPlan,
  request: ApiRequest,
  { resource, at }: { resource: ResourcePlan | undefined; at: Date },
): GatewayContext {
  const domainName = (headerOf(request, 'host') ?? '').replace(/:\d+$/, '');
  return {
    accountId: ACCOUNT_ID,
    apiId: plan.id,
    deploymentId: 'local',
    domainName,
    domainPrefix: domainName.split('.')[0] ?? '',
    extendedRequestId: `${randomBytes(11).toString('base64')}=`,
    httpMethod: request.method,
    identity: { ...NOBODY, sourceIp: request.sourceIp, userAgent: headerOf(request, 'user-agent') ?? null },
    path: request.path,
    protocol: `HTTP/${request.httpVersion}`,
    // A client may choose this one; it cannot choose the other.
    requestId: headerOf(request, 'x-amzn-requestid') ?? randomUUID(),
    requestTime: requestTime(at),
    requestTimeEpoch: at.getTime(),
    resourceId: resource?.id ?? '',
    resourcePath: resource?.path ?? '',
    stage: plan.stage,
  };
}

/** A method that needs no key is not told of one. */
export function withKey(context: GatewayContext, key: ApiKey | undefined): GatewayContext {
  if (!key) return context;
  return { ...context, identity: { ...context.identity, apiKey: key.value, apiKeyId: key.id } };
}

/** 24/Nov/2026:18:05:09 +0000 */
function requestTime(at: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(at.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
