import { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { LocalFacts } from './local-facts.ts';

export type Clients = ReturnType<typeof createClients>;

/**
 * AWS, or what stands for it locally.
 * @param endpoints of a local system; undefined for AWS, with the credentials that the SDK finds
 */
export function createClients(region: string, endpoints?: LocalFacts['endpoints']) {
  const at = (endpoint: string | undefined) =>
    endpoint ? { region, endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : { region };
  return {
    sqs: new SQSClient(at(endpoints?.sqs)),
    ssm: new SSMClient(at(endpoints?.ssm)),
    cloudwatch: new CloudWatchClient(at(endpoints?.cloudwatch)),
    logs: new CloudWatchLogsClient(at(endpoints?.logs)),
    apiGateway: new APIGatewayClient(at(endpoints?.apigateway)),
  };
}
