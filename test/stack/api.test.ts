import { describe, expect, test } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { QueuekeeperStack } from '../../lib/queuekeeper-stack.ts';
import { readSettings } from '../../lib/settings.ts';

function synthesize(different: Record<string, string> = {}): Template {
  const settings = readSettings({
    AWS_DEFAULT_REGION: 'us-east-1',
    SUPABASE_URL: 'https://acme.supabase.co',
    ...different,
  });
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  return Template.fromStack(new QueuekeeperStack(app, 'Queuekeeper', { settings, env: { region: 'us-east-1' } }));
}

const template = synthesize();
const withPages = synthesize({ API_CORS_ORIGINS: 'https://shop.example' });
const withManyPages = synthesize({ API_CORS_ORIGINS: 'https://shop.example, https://admin.example' });

type Properties = Record<string, unknown>;
const all = (type: string, from = template) =>
  Object.entries(from.findResources(type)).map(([id, { Properties }]) => [id, Properties as Properties] as const);
const one = (type: string, idPrefix: string, from = template) => {
  const found = all(type, from).filter(([id]) => id.startsWith(idPrefix));
  expect(found).toHaveLength(1);
  return found[0] as readonly [string, Properties];
};

type Method = {
  path: string;
  HttpMethod: string;
  ApiKeyRequired: boolean;
  RequestParameters?: Record<string, boolean>;
  RequestValidatorId?: { Ref: string };
  Integration: {
    Type: string;
    Uri?: unknown;
    PassthroughBehavior?: string;
    RequestTemplates?: Record<string, string>;
    IntegrationResponses?: {
      StatusCode: string;
      ResponseParameters: Record<string, string>;
      ResponseTemplates: Record<string, string>;
    }[];
  };
  MethodResponses?: { StatusCode: string; ResponseParameters: Record<string, boolean> }[];
};

/** The methods with the paths of their resources. */
function methods(from = template): Method[] {
  const resources = new Map(all('AWS::ApiGateway::Resource', from));
  const pathOf = (id: string | undefined): string => {
    const properties = resources.get(id ?? '');
    return properties ? `${pathOf((properties['ParentId'] as { Ref?: string }).Ref)}/${properties['PathPart']}` : '';
  };
  return all('AWS::ApiGateway::Method', from).map(([, properties]) => ({
    ...(properties as unknown as Method),
    path: pathOf((properties['ResourceId'] as { Ref: string }).Ref),
  }));
}

function method(name: string, path: string, from = template): Method {
  const found = methods(from).find((each) => each.HttpMethod === name && each.path === path);
  if (!found) throw new Error(`there is no ${name} ${path}`);
  return found;
}

const HEALTH = '/api/health';
const QUEUE = '/api/queue/{customerId}';

type GatewayResponse = {
  ResponseType: string;
  StatusCode: string;
  ResponseParameters: Record<string, string>;
  ResponseTemplates: Record<string, string>;
};
const gatewayResponses = (from = template) =>
  all('AWS::ApiGateway::GatewayResponse', from).map(([, properties]) => properties as unknown as GatewayResponse);

describe('the API', () => {
  test('has these methods, and no others', () => {
    const names = methods()
      .map(({ HttpMethod, path }) => `${HttpMethod} ${path}`)
      .sort();
    expect(names).toEqual([`ANY ${HEALTH}`, `ANY ${QUEUE}`, `GET ${HEALTH}`, `GET ${QUEUE}`]);
  });

  test.each([
    [HEALTH, 'Health'],
    [QUEUE, 'QueueStatus'],
  ])('answers GET %s by the function %s', (path, functionId) => {
    const [alias] = one('AWS::Lambda::Alias', `${functionId}Live`);
    const { Integration } = method('GET', path);
    expect(Integration.Type).toBe('AWS_PROXY');
    expect(JSON.stringify(Integration.Uri)).toContain(`{"Ref":"${alias}"},"/invocations"`);
  });

  test('keeps its logical ids: others would be another URL, and another key', () => {
    expect(all('AWS::ApiGateway::RestApi').map(([id]) => id)).toEqual(['ApiRest4DEC74FE']);
    expect(all('AWS::ApiGateway::ApiKey').map(([id]) => id)).toEqual(['ApiPlansFirstKey12FC7113']);
  });

  test('asks for a key for a queue, and for none for health', () => {
    expect(method('GET', QUEUE).ApiKeyRequired).toBe(true);
    expect(method('GET', HEALTH).ApiKeyRequired).toBe(false);
  });

  test('asks for no key at all where the team says so', () => {
    expect(method('GET', QUEUE, synthesize({ QUEUE_API_ACCESS: 'public' })).ApiKeyRequired).toBe(false);
  });

  test('lets no request through to a function that has not the parameters it needs', () => {
    const [validator, properties] = one('AWS::ApiGateway::RequestValidator', 'Api');
    expect(properties).toMatchObject({ ValidateRequestParameters: true });
    expect(method('GET', QUEUE)).toMatchObject({
      RequestValidatorId: { Ref: validator },
      RequestParameters: {
        'method.request.path.customerId': true,
        'method.request.querystring.limit': false,
        'method.request.querystring.cursor': false,
      },
    });
    expect(method('GET', HEALTH)).toMatchObject({ RequestValidatorId: { Ref: validator } });
  });

  test('tells where it is, and which key is the first', () => {
    const { Outputs } = template.toJSON() as { Outputs: Record<string, { Value: object }> };
    expect(JSON.stringify(Outputs['ApiUrl']?.Value)).toMatch(
      /^\{"Fn::Join":\["",\["https:\/\/",\{"Ref":"ApiRest4DEC74FE"\},"\.execute-api\.us-east-1\.",\{"Ref":"AWS::URLSuffix"\},"\/",\{"Ref":"ApiRestDeploymentStageprod[0-9A-F]{8}"\}\]\]\}$/,
    );
    expect(Outputs['FirstApiKeyId']?.Value).toEqual({ Ref: 'ApiPlansFirstKey12FC7113' });
    expect(Object.keys(Outputs).filter((name) => /Endpoint|Domain/.test(name))).toEqual([]);
  });
});

describe('another method than GET', () => {
  test.each([HEALTH, QUEUE])('on %s gets 405 with Allow, without a key and without a function', (path) => {
    const any = method('ANY', path);
    expect(any.ApiKeyRequired).toBe(false);
    expect(any.Integration.Type).toBe('MOCK');
    expect(any.Integration.RequestTemplates).toEqual({ 'application/json': '{"statusCode":405}' });
    const [answer, ...more] = any.Integration.IntegrationResponses ?? [];
    expect(more).toEqual([]);
    expect(answer).toMatchObject({ StatusCode: '405' });
    expect(answer?.ResponseParameters).toMatchObject({
      'method.response.header.Allow': "'GET'",
      'method.response.header.Content-Type': "'application/problem+json'",
      'method.response.header.Cache-Control': "'no-store'",
    });
    expect(JSON.parse(answer?.ResponseTemplates['application/json'] ?? '')).toEqual({
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail: 'Only GET is answered here.',
      instance: 'urn:request:$context.extendedRequestId',
    });
  });

  test.each([HEALTH, QUEUE])('with a body that is not JSON gets 405 on %s all the same, and never 500', (path) => {
    expect(method('ANY', path).Integration.PassthroughBehavior).toBe('NEVER');
    const [response] = gatewayResponses().filter(({ ResponseType }) => ResponseType === 'UNSUPPORTED_MEDIA_TYPE');
    expect(response).toMatchObject({ StatusCode: '405' });
    expect(response?.ResponseParameters).toMatchObject({ 'gatewayresponse.header.Allow': "'GET'" });
  });

  test('maps only headers that the method declares, or the gateway would refuse the template', () => {
    for (const { Integration, MethodResponses = [] } of methods(withPages)) {
      for (const { StatusCode, ResponseParameters } of Integration.IntegrationResponses ?? []) {
        const declared = MethodResponses.find((response) => response.StatusCode === StatusCode);
        expect(Object.keys(declared?.ResponseParameters ?? {})).toEqual(Object.keys(ResponseParameters));
      }
    }
  });
});

describe('pages of other sites', () => {
  const originsOf = (from: Template) => [
    ...new Set(
      gatewayResponses(from).map(
        ({ ResponseParameters }) => ResponseParameters['gatewayresponse.header.Access-Control-Allow-Origin'],
      ),
    ),
  ];

  test('hear nothing where API_CORS_ORIGINS is empty', () => {
    expect(JSON.stringify(template.toJSON())).not.toContain('Access-Control');
    expect(methods().filter(({ HttpMethod }) => HttpMethod === 'OPTIONS')).toEqual([]);
  });

  test.each([HEALTH, QUEUE])('may ask before they send a key to %s', (path) => {
    const [answer] = method('OPTIONS', path, withPages).Integration.IntegrationResponses ?? [];
    expect(method('OPTIONS', path, withPages).ApiKeyRequired).toBe(false);
    expect(answer).toMatchObject({ StatusCode: '204', ResponseTemplates: { 'application/json': '' } });
    expect(answer?.ResponseParameters).toEqual({
      'method.response.header.Access-Control-Allow-Origin': "'https://shop.example'",
      'method.response.header.Access-Control-Allow-Methods': "'GET'",
      'method.response.header.Access-Control-Allow-Headers': "'x-api-key'",
      'method.response.header.Access-Control-Max-Age': "'600'",
    });
  });

  test('read what the gateway refuses as they read what the functions refuse', () => {
    expect(originsOf(withPages)).toEqual(["'https://shop.example'"]);
    const [throttled] = gatewayResponses(withPages).filter(({ ResponseType }) => ResponseType === 'THROTTLED');
    expect(throttled?.ResponseParameters).toMatchObject({
      'gatewayresponse.header.Access-Control-Expose-Headers': "'Retry-After'",
    });
    const [answer] = method('ANY', HEALTH, withPages).Integration.IntegrationResponses ?? [];
    expect(answer?.ResponseParameters).toMatchObject({
      'method.response.header.Allow': "'GET, OPTIONS'",
      'method.response.header.Access-Control-Allow-Origin': "'https://shop.example'",
    });
  });

  test('are not told apart by the gateway, which cannot choose, where there are several', () => {
    expect(originsOf(withManyPages)).toEqual(["'*'"]);
    const [, health] = one('AWS::Lambda::Function', 'Health', withManyPages);
    expect(health['Environment']).toMatchObject({
      Variables: { CORS_ORIGINS: 'https://shop.example,https://admin.example' },
    });
  });
});

describe('what the gateway refuses by itself', () => {
  const statuses = {
    THROTTLED: 429,
    QUOTA_EXCEEDED: 429,
    INVALID_API_KEY: 403,
    BAD_REQUEST_PARAMETERS: 400,
    MISSING_AUTHENTICATION_TOKEN: 404,
    RESOURCE_NOT_FOUND: 404,
    INVALID_SIGNATURE: 404,
    EXPIRED_TOKEN: 404,
    INTEGRATION_FAILURE: 502,
    INTEGRATION_TIMEOUT: 504,
    DEFAULT_4XX: 400,
    DEFAULT_5XX: 500,
  };

  test.each(Object.entries(statuses))('%s is answered with %i', (type, status) => {
    const found = gatewayResponses().filter(({ ResponseType }) => ResponseType === type);
    expect(found).toEqual([expect.objectContaining({ StatusCode: String(status) })]);
  });

  test.each(gatewayResponses())('$ResponseType is a problem document like ours', (response) => {
    expect(Object.keys(response.ResponseTemplates)).toEqual(['application/json']);
    expect(JSON.parse(response.ResponseTemplates['application/json'] ?? '')).toEqual({
      type: 'about:blank',
      title: expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
      status: Number(response.StatusCode),
      detail: expect.stringMatching(/^[A-Z].+\.$/),
      instance: 'urn:request:$context.extendedRequestId',
    });
    expect(response.ResponseParameters).toMatchObject({
      'gatewayresponse.header.Content-Type': "'application/problem+json'",
      'gatewayresponse.header.Cache-Control': "'no-store'",
      'gatewayresponse.header.X-Content-Type-Options': "'nosniff'",
    });
  });

  test.each(gatewayResponses())('$ResponseType repeats nothing that the client sent', (response) => {
    const text = JSON.stringify(response);
    expect(text.match(/\$context\.[\w.]+/g)).toEqual(['$context.extendedRequestId']);
    expect(text).not.toContain('method.request');
  });

  test('says when to come back to who came too fast, and nothing of it to whose quota is used up', () => {
    const retryAfter = (type: string) =>
      gatewayResponses().find(({ ResponseType }) => ResponseType === type)?.ResponseParameters[
        'gatewayresponse.header.Retry-After'
      ];
    expect(retryAfter('THROTTLED')).toBe("'1'");
    expect(retryAfter('QUOTA_EXCEEDED')).toBeUndefined();
  });
});

describe('keys and plans', () => {
  test('are three plans by default, and a first key in the smallest', () => {
    const plans = all('AWS::ApiGateway::UsagePlan').map(([, { UsagePlanName, Throttle, Quota }]) => ({
      UsagePlanName,
      Throttle,
      Quota,
    }));
    const plan = (name: string, RateLimit: number, BurstLimit: number, Limit: number) => ({
      UsagePlanName: `queuekeeper-prod-${name}`,
      Throttle: { RateLimit, BurstLimit },
      Quota: { Limit, Period: 'MONTH' },
    });
    expect(plans).toEqual([
      plan('starter', 20, 200, 100_000),
      plan('pro', 50, 500, 1_000_000),
      plan('enterprise', 100, 1_000, 10_000_000),
    ]);
    const [key, properties] = one('AWS::ApiGateway::ApiKey', 'Api');
    expect(properties).toMatchObject({ Name: 'queuekeeper-prod-first', Enabled: true });
    expect(properties).not.toHaveProperty('Value');
    expect(one('AWS::ApiGateway::UsagePlanKey', 'Api')[1]).toMatchObject({
      KeyId: { Ref: key },
      UsagePlanId: { Ref: one('AWS::ApiGateway::UsagePlan', 'ApiPlansStarter')[0] },
    });
  });

  test('follow their settings', () => {
    const changed = synthesize({ USAGE_PLAN_PRO: '60,600,5', STAGE: 'blue' });
    expect(one('AWS::ApiGateway::UsagePlan', 'ApiPlansPro', changed)[1]).toMatchObject({
      UsagePlanName: 'queuekeeper-blue-pro',
      Throttle: { RateLimit: 60, BurstLimit: 600 },
      Quota: { Limit: 5, Period: 'MONTH' },
    });
  });
});

describe('the stage', () => {
  type Throttle = { HttpMethod: string; ThrottlingRateLimit: number; ThrottlingBurstLimit: number };
  const stageOf = (from = template) => one('AWS::ApiGateway::Stage', 'Api', from)[1];
  const throttle = (path: string, from = template) =>
    (stageOf(from)['MethodSettings'] as (Throttle & { ResourcePath: string })[]).find(
      ({ ResourcePath }) => ResourcePath === path,
    );

  test('is prod, whatever the stage of the stack', () => {
    expect(stageOf(synthesize({ STAGE: 'blue' }))).toMatchObject({ StageName: 'prod' });
  });

  test('lets a key of each plan go at full speed at once', () => {
    expect(throttle('/*')).toMatchObject({
      HttpMethod: '*',
      ThrottlingRateLimit: 20 + 50 + 100,
      ThrottlingBurstLimit: 200 + 500 + 1_000,
    });
  });

  test.each([
    ['100', '60', 50, 500],
    ['1000', '10', 500, 5_000],
  ])('bounds a flood of health, well above the exact limit of %s in %s s', (requests, seconds, rate, burst) => {
    const settings = { RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_WINDOW_SECONDS: seconds };
    const plan = `${5 * Number(requests)},${5 * Number(requests)},100000`;
    const plans = { USAGE_PLAN_STARTER: plan, USAGE_PLAN_PRO: plan, USAGE_PLAN_ENTERPRISE: plan };
    expect(throttle('/~1api~1health', synthesize({ ...settings, ...plans }))).toMatchObject({
      HttpMethod: 'GET',
      ThrottlingRateLimit: rate,
      ThrottlingBurstLimit: burst,
    });
    expect(burst).toBeGreaterThanOrEqual(2 * Number(requests));
    expect(rate).toBeGreaterThanOrEqual((5 * Number(requests)) / Number(seconds));
  });

  test('logs each request as one line of JSON, without keys, addresses, paths and queries', () => {
    const { Format, DestinationArn } = stageOf()['AccessLogSetting'] as { Format: string; DestinationArn: object };
    expect(JSON.parse(Format)).toEqual({
      time: '$context.requestTimeEpoch',
      requestId: '$context.extendedRequestId',
      apiKeyId: '$context.identity.apiKeyId',
      method: '$context.httpMethod',
      resource: '$context.resourcePath',
      status: '$context.status',
      latencyMs: '$context.responseLatency',
      functionLatencyMs: '$context.integrationLatency',
      responseBytes: '$context.responseLength',
      refusal: '$context.error.responseType',
    });
    const [log, properties] = one('AWS::Logs::LogGroup', 'Api');
    expect(DestinationArn).toEqual({ 'Fn::GetAtt': [log, 'Arn'] });
    expect(properties).toMatchObject({ LogGroupName: '/aws/apigateway/queuekeeper-prod' });
  });

  test('leaves the role of the account by which API Gateway logs behind: other APIs may need it', () => {
    const retained = (type: string, id: string) =>
      Object.entries(template.findResources(type)).find(([each]) => each.startsWith(id))?.[1].DeletionPolicy;
    expect(retained('AWS::ApiGateway::Account', 'Api')).toBe('Retain');
    expect(retained('AWS::IAM::Role', 'ApiRestCloudWatchRole')).toBe('Retain');
  });
});

describe('a domain of the team', () => {
  const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/1234abcd';
  const named = synthesize({ API_DOMAIN_NAME: 'api.shop.example', API_CERTIFICATE_ARN: CERTIFICATE });

  test('leads to the stage, at its root', () => {
    const [domain, properties] = one('AWS::ApiGateway::DomainName', 'Api', named);
    expect(properties).toMatchObject({
      DomainName: 'api.shop.example',
      RegionalCertificateArn: CERTIFICATE,
      SecurityPolicy: 'TLS_1_2',
      EndpointConfiguration: { Types: ['REGIONAL'] },
    });
    const [, mapping] = one('AWS::ApiGateway::BasePathMapping', 'Api', named);
    expect(mapping).toMatchObject({ DomainName: { Ref: domain }, Stage: { Ref: expect.any(String) } });
    expect(mapping).not.toHaveProperty('BasePath');
    const { Outputs } = named.toJSON() as { Outputs: Record<string, { Value: object }> };
    expect(Outputs['ApiDomainTarget']?.Value).toEqual({ 'Fn::GetAtt': [domain, 'RegionalDomainName'] });
  });

  test('is not there by default', () => {
    template.resourceCountIs('AWS::ApiGateway::DomainName', 0);
  });
});

describe('a function of the API', () => {
  const both = [['Health'], ['QueueStatus']];
  type Statement = { Action: string; Resource: unknown };
  const statementsOf = (id: string, from: Template) => {
    const [, policy] = one('AWS::IAM::Policy', id, from);
    return (policy['PolicyDocument'] as { Statement: Statement[] }).Statement;
  };
  const namesIn = (statements: Statement[]) => JSON.stringify(statements).match(/parameter\/[\w/-]+/g);
  const PROXY = { PROXY_ADDRESS_HEADER: 'X-Client-Ip', PROXY_SECRET_HEADER: 'x-proxy-secret' };

  test.each(both)('%s writes its log, sends failed events, reads its key, and may do nothing else', (id) => {
    const statements = statementsOf(id, template);
    expect(statements.flatMap(({ Action }) => Action)).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'sqs:SendMessage',
      'ssm:GetParameter',
    ]);
    expect(namesIn(statements)).toEqual(['parameter/queuekeeper/prod/supabase-service-key']);
  });

  test.each(both)('%s reads the secret of a proxy where there is one', (id) => {
    const behindProxy = synthesize(PROXY);
    expect(namesIn(statementsOf(id, behindProxy))).toEqual([
      'parameter/queuekeeper/prod/supabase-service-key',
      'parameter/queuekeeper/prod/proxy-secret',
    ]);
    expect(one('AWS::Lambda::Function', id, behindProxy)[1]['Environment']).toMatchObject({
      Variables: {
        PROXY_ADDRESS_HEADER: 'x-client-ip',
        PROXY_SECRET_HEADER: 'x-proxy-secret',
        PROXY_SECRET_PARAMETER: '/queuekeeper/prod/proxy-secret',
      },
    });
  });

  test.each(both)('%s gets its settings', (id) => {
    const settings = { RATE_LIMIT_REQUESTS: '90', RATE_LIMIT_WINDOW_SECONDS: '45', RATE_LIMIT_MODE: 'shadow' };
    const [, { Environment, MemorySize, Timeout }] = one('AWS::Lambda::Function', id, synthesize(settings));
    expect({ MemorySize, Timeout }).toEqual({ MemorySize: 512, Timeout: 10 });
    expect(Environment).toMatchObject({
      Variables: {
        STAGE: 'prod',
        SUPABASE_URL: 'https://acme.supabase.co',
        SUPABASE_SERVICE_KEY_PARAMETER: '/queuekeeper/prod/supabase-service-key',
        RATE_LIMIT_REQUESTS: '90',
        RATE_LIMIT_WINDOW_MS: '45000',
        RATE_LIMIT_MODE: 'shadow',
        CORS_ORIGINS: '',
        PROXY_ADDRESS_HEADER: '',
        PROXY_SECRET_HEADER: '',
        PROXY_SECRET_PARAMETER: '',
      },
    });
  });

  test('knows when a monitor is late, if it is health', () => {
    const settings = { STALE_THRESHOLD_MINUTES: '7', STALE_CHECK_MINUTES: '3', DLQ_CHECK_MINUTES: '6' };
    expect(one('AWS::Lambda::Function', 'Health', synthesize(settings))[1]['Environment']).toMatchObject({
      Variables: settings,
    });
  });
});

describe('the cleanup of old records', () => {
  test('runs every hour, and keeps what the setting says', () => {
    const changed = synthesize({ RATE_LIMIT_RETENTION_HOURS: '48' });
    expect(one('AWS::Events::Rule', 'RateLimitCleanup', changed)[1]).toMatchObject({
      ScheduleExpression: 'rate(1 hour)',
    });
    expect(one('AWS::Lambda::Function', 'RateLimitCleanup', changed)[1]['Environment']).toEqual({
      Variables: {
        STAGE: 'prod',
        SUPABASE_URL: 'https://acme.supabase.co',
        SUPABASE_SERVICE_KEY_PARAMETER: '/queuekeeper/prod/supabase-service-key',
        RATE_LIMIT_RETENTION_HOURS: '48',
      },
    });
  });
});
