import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** An SSM SecureString that `npm run deploy` writes: CloudFormation cannot create one, and a template must not hold it. */
export interface SecretParameter {
  readonly name: string;
  readonly arn: string;
}

/** The names by which `npm run deploy` stores secrets and the functions find them. */
export const secretNames = (stage: string) => ({
  serviceKey: `/queuekeeper/${stage}/supabase-service-key`,
  slackWebhook: `/queuekeeper/${stage}/slack-webhook-url`,
  proxySecret: `/queuekeeper/${stage}/proxy-secret`,
});

export function secretParameter(scope: Construct, name: string): SecretParameter {
  return { name, arn: ssmParameterArn(scope, name) };
}

/** @param name with its leading slash, which the ARN does not repeat */
export function ssmParameterArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName: name.slice(1) });
}
