import type { KnownType } from '../resource-types.ts';

const NO_METADATA = 'labels have no effect on behaviour';
const ONE_API = 'there is one API, and one stage of it';

/** What the local system knows of API Gateway. */
export const API_TYPES: Readonly<Record<string, KnownType>> = {
  'AWS::ApiGateway::RestApi': {
    used: ['Name', 'ApiKeySourceType'],
    ignored: {
      Description: NO_METADATA,
      DisableExecuteApiEndpoint: 'the local address takes the place of both',
      EndpointConfiguration: 'everything is on this machine',
      MinimumCompressionSize: 'nothing is compressed on a loopback address',
      Policy: 'permissions are not modelled',
      Tags: NO_METADATA,
    },
  },
  'AWS::ApiGateway::Resource': { used: ['ParentId', 'PathPart'], ignored: { RestApiId: ONE_API } },
  'AWS::ApiGateway::Method': {
    used: [
      'ApiKeyRequired',
      'AuthorizationType',
      'HttpMethod',
      'Integration',
      'RequestParameters',
      'RequestValidatorId',
      'ResourceId',
    ],
    ignored: {
      MethodResponses: 'what an integration answers says it, too',
      OperationName: NO_METADATA,
      RestApiId: ONE_API,
    },
  },
  'AWS::ApiGateway::RequestValidator': {
    used: ['ValidateRequestParameters'],
    ignored: {
      Name: NO_METADATA,
      RestApiId: ONE_API,
      ValidateRequestBody: 'a method with a RequestModel is an error, so that no body has a shape',
    },
  },
  'AWS::ApiGateway::GatewayResponse': {
    used: ['ResponseParameters', 'ResponseTemplates', 'ResponseType', 'StatusCode'],
    ignored: { RestApiId: ONE_API },
  },
  'AWS::ApiGateway::Stage': {
    used: ['MethodSettings', 'StageName', 'Variables'],
    ignored: {
      AccessLogSetting: 'a local user sees the answers',
      DeploymentId: ONE_API,
      Description: NO_METADATA,
      RestApiId: ONE_API,
      Tags: NO_METADATA,
      TracingEnabled: 'nothing is traced on a laptop',
    },
  },
  'AWS::ApiGateway::UsagePlan': {
    used: ['ApiStages', 'Quota', 'Throttle', 'UsagePlanName'],
    ignored: { Description: NO_METADATA, Tags: NO_METADATA },
  },
  'AWS::ApiGateway::ApiKey': {
    used: ['Enabled', 'Name', 'Value'],
    ignored: {
      CustomerId: NO_METADATA,
      Description: NO_METADATA,
      StageKeys: 'a usage plan says where a key opens',
      Tags: NO_METADATA,
    },
  },
  'AWS::ApiGateway::UsagePlanKey': { used: ['KeyId', 'KeyType', 'UsagePlanId'], ignored: {} },
};

/** Types of API Gateway without a local effect, each with the reason. */
export const INERT_API_TYPES: Readonly<Record<string, string>> = {
  'AWS::ApiGateway::Account': 'permissions are not modelled; the stack tests assert them',
  'AWS::ApiGateway::BasePathMapping': 'there is no domain on a laptop',
  'AWS::ApiGateway::Deployment': 'what the template says is served',
  'AWS::ApiGateway::DomainName': 'there is no domain on a laptop',
  'AWS::ApiGateway::Model': 'a description; a method that validates by it is an error',
};
