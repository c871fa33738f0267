import { Validations } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';

const KEYS_NOT_USERS =
  'There are no users here: health says nothing that is secret, and the queue asks for an API key (QUEUE_API_ACCESS).';

const REASONS: Readonly<Record<string, string>> = {
  APIG3:
    'A web ACL costs more per month than all the rest; usage plans and the stage throttle. Add one where you need it.',
  APIG4: KEYS_NOT_USERS,
  APIG6:
    'The access log and the logs of the functions tell all that is needed; an execution log holds customer ids, in a log group that no stack owns.',
  COG4: KEYS_NOT_USERS,
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
    'It belongs to API Gateway itself, once per account, and no function of ours can take it.',
};

/** What the rules of cdk-nag would have otherwise, each with the reason. */
export function acknowledge(api: RestApi): void {
  for (const [rule, reason] of Object.entries(REASONS)) {
    Validations.of(api).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
  }
}
