import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export function dashboardName(stage: string): string {
  return `queuekeeper-${stage}`;
}

/** The dashboard's page in the console of the stack's partition. */
export function dashboardUrl(scope: Construct, stage: string): string {
  const { region } = Stack.of(scope);
  const console = region.startsWith('cn-') ? 'console.amazonaws.cn' : 'console.aws.amazon.com';
  return `https://${region}.${console}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName(stage)}`;
}
