import { CfnOutput, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  EndpointType,
  type IResource,
  LambdaIntegration,
  LogGroupLogDestination,
  RequestValidator,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ACCESS_LOG_FORMAT } from './api-access-log.ts';
import { acknowledge } from './api-acknowledgements.ts';
import { type Cors, corsOf } from './api-cors.ts';
import { ApiDomain, type ApiDomainProps } from './api-domain.ts';
import { addGatewayResponses } from './api-gateway-responses.ts';
import type { LambdaFunction } from './lambda-function.ts';
import { answerOtherMethods } from './other-methods.ts';
import { type Plans, UsagePlans } from './usage-plans.ts';

export interface ApiProps {
  readonly stage: string;
  readonly health: LambdaFunction;
  readonly queueStatus: LambdaFunction;
  /** Whether GET /api/queue/{customerId} asks for an API key. */
  readonly queueNeedsKey: boolean;
  readonly plans: Plans;
  readonly rateLimit: { readonly requests: number; readonly window: Duration };
  readonly corsOrigins: readonly string[];
  /** @default only the address that AWS gives it */
  readonly domain?: Omit<ApiDomainProps, 'api'>;
  readonly logRetention: RetentionDays;
}

/** The public API: a REST API with keys and plans before the two functions. What it refuses looks like what they refuse. */
export class Api extends Construct {
  readonly api: RestApi;
  private readonly cors: Cors | undefined;
  private readonly validator: RequestValidator;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.cors = corsOf(props.corsOrigins);
    this.api = this.createApi(props);
    acknowledge(this.api);
    addGatewayResponses(this.api, this.cors);
    // No method takes a body; the validator asks for both, as it is all that there is.
    this.validator = new RequestValidator(this, 'Validator', {
      restApi: this.api,
      validateRequestParameters: true,
      validateRequestBody: true,
    });
    const root = this.api.root.addResource('api');
    this.answerGet(root.addResource('health'), props.health, { needsKey: false });
    this.answerGet(root.addResource('queue').addResource('{customerId}'), props.queueStatus, {
      needsKey: props.queueNeedsKey,
      parameters: { 'path.customerId': true, 'querystring.limit': false, 'querystring.cursor': false },
    });
    const { firstKey } = new UsagePlans(this, 'Plans', { stage: props.stage, api: this.api, plans: props.plans });
    if (props.domain) new ApiDomain(this, 'Domain', { ...props.domain, api: this.api });
    this.tell(firstKey.keyId);
  }

  private createApi({ stage, plans, rateLimit, logRetention }: ApiProps): RestApi {
    const log = new LogGroup(this, 'AccessLog', {
      logGroupName: `/aws/apigateway/queuekeeper-${stage}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // One key of each plan at full speed: so much must get through before callers hinder each other.
    const all = Object.values(plans);
    const api = new RestApi(this, 'Rest', {
      restApiName: `queuekeeper-${stage}`,
      description: 'Queuekeeper: its health, and the jobs of a customer',
      endpointTypes: [EndpointType.REGIONAL],
      // The role by which API Gateway writes logs is one per account and region, and other APIs may have come to need it.
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
      deployOptions: {
        stageName: 'prod',
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat: ACCESS_LOG_FORMAT,
        throttlingRateLimit: sum(all.map(({ ratePerSecond }) => ratePerSecond)),
        throttlingBurstLimit: sum(all.map(({ burst }) => burst)),
        methodOptions: { '/api/health/GET': healthThrottle(rateLimit) },
      },
    });
    // The same address as ApiUrl, under a name that no one would look for.
    api.node.tryRemoveChild('Endpoint');
    return api;
  }

  private answerGet(resource: IResource, target: LambdaFunction, options: GetOptions): void {
    const parameters = Object.entries(options.parameters ?? {});
    resource.addMethod('GET', new LambdaIntegration(target.alias, { allowTestInvoke: false }), {
      apiKeyRequired: options.needsKey,
      requestParameters: Object.fromEntries(parameters.map(([name, needed]) => [`method.request.${name}`, needed])),
      requestValidator: this.validator,
    });
    answerOtherMethods(resource, this.cors);
  }

  private tell(firstKeyId: string): void {
    const { restApiId, deploymentStage } = this.api;
    const { region, urlSuffix } = Stack.of(this);
    new CfnOutput(this, 'Url', {
      value: `https://${restApiId}.execute-api.${region}.${urlSuffix}/${deploymentStage.stageName}`,
      description: 'The API: add /api/health',
    }).overrideLogicalId('ApiUrl');
    new CfnOutput(this, 'FirstKeyId', {
      value: firstKeyId,
      description: 'aws apigateway get-api-key --include-value --api-key THIS shows the first key',
    }).overrideLogicalId('FirstApiKeyId');
  }
}

type GetOptions = {
  readonly needsKey: boolean;
  /** Where and name, and whether it must be there. */
  readonly parameters?: Readonly<Record<string, boolean>>;
};

/**
 * What all callers together may ask of GET /api/health: it needs no key, and a flood of it must not use up the account's
 * concurrency, on which the monitors depend. Room for at least five callers at the exact limit, which must come first.
 */
function healthThrottle({ requests, window }: ApiProps['rateLimit']) {
  return {
    throttlingRateLimit: Math.max(50, Math.ceil((5 * requests) / window.toSeconds())),
    throttlingBurstLimit: Math.max(500, 5 * requests),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
