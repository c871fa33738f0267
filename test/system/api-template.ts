import { App, Duration, Stack } from 'aws-cdk-lib';
import {
  LambdaIntegration,
  MockIntegration,
  PassthroughBehavior,
  Period,
  RequestValidator,
  ResponseType,
  RestApi,
  UsagePlan,
} from 'aws-cdk-lib/aws-apigateway';
import { Alias, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { ApiPlan } from '../../local/api/plan.ts';
import { planSystem } from '../../local/template.ts';

const PROBLEM = '{"title":"refused","type":"$context.error.responseType","id":"$context.requestId"}';

/** What the deployed API is made of, and more: tight throttles and quotas, so that they can be met. */
function aStack(): Stack {
  const stack = new Stack(new App(), 'queuekeeper-test');
  const code = Code.fromInline('exports.handler = 1');
  const run = new LambdaFunction(stack, 'Run', {
    functionName: 'queuekeeper-test-echo',
    code,
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
  });
  const alias = new Alias(stack, 'Live', { aliasName: 'live', version: run.currentVersion });
  const api = new RestApi(stack, 'Rest', {
    restApiName: 'queuekeeper-test',
    deployOptions: {
      stageName: 'prod',
      throttlingRateLimit: 1_000,
      throttlingBurstLimit: 1_000,
      methodOptions: { '/api/tight/GET': { throttlingRateLimit: 0.001, throttlingBurstLimit: 2 } },
    },
  });
  const requestValidator = new RequestValidator(stack, 'Validator', { restApi: api, validateRequestParameters: true });
  const target = (timeout = 29_000) => new LambdaIntegration(alias, { timeout: Duration.millis(timeout) });
  const root = api.root.addResource('api');
  const health = root.addResource('health');
  health.addMethod('GET', target());
  health.addMethod('ANY', notAllowed(), {
    methodResponses: [{ statusCode: '405', responseParameters: { 'method.response.header.Allow': true } }],
  });
  root.addResource('queue').addResource('{customerId}').addMethod('GET', target(), { apiKeyRequired: true });
  root.getResource('queue')?.addResource('fixed').addMethod('GET', target());
  root.addResource('search').addMethod('GET', target(), {
    requestParameters: { 'method.request.querystring.q': true },
    requestValidator,
  });
  root.addResource('tight').addMethod('GET', target());
  root.addResource('slow').addMethod('GET', target(60));
  root.addResource('post').addMethod('POST', target());
  for (const type of [ResponseType.THROTTLED, ResponseType.MISSING_AUTHENTICATION_TOKEN]) {
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: type === ResponseType.THROTTLED ? '429' : '404',
      responseHeaders: { 'Content-Type': "'application/problem+json'" },
      templates: { 'application/json': PROBLEM },
    });
  }
  const planFor = (id: string, limit: number, burst: number) =>
    new UsagePlan(stack, id, {
      name: `queuekeeper-test-${id.toLowerCase()}`,
      throttle: { rateLimit: 0.001, burstLimit: burst },
      quota: { limit, period: Period.MONTH },
      apiStages: [{ stage: api.deploymentStage }],
    });
  planFor('Starter', 1_000, 3).addApiKey(api.addApiKey('First', { apiKeyName: 'queuekeeper-test-first' }));
  planFor('Small', 2, 100);
  return stack;
}

function notAllowed(): MockIntegration {
  return new MockIntegration({
    requestTemplates: { 'application/json': '{"statusCode":405}' },
    passthroughBehavior: PassthroughBehavior.NEVER,
    integrationResponses: [
      {
        statusCode: '405',
        responseParameters: { 'method.response.header.Allow': "'GET'" },
        responseTemplates: { 'application/json': '{"id":"$context.requestId"}' },
      },
    ],
  });
}

/** The plan of an API with one function, `queuekeeper-test-echo`. */
export function planTestApi(): ApiPlan {
  const stack = aStack();
  const { template } = (stack.node.root as App).synth().getStackByName(stack.stackName);
  for (const resource of Object.values<{ Type: string; Properties: Record<string, unknown> }>(template.Resources)) {
    // Inline code stands for a bundle: nothing of the function runs.
    if (resource.Type === 'AWS::Lambda::Function') resource.Properties['Code'] = { S3Key: 'bundle' };
  }
  const { api } = planSystem({ stackName: stack.stackName, template, assets: { bundle: '/bundle' } }, 'http://sqs');
  if (!api) throw new Error('the template has no API');
  return api;
}
