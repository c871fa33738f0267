import type { Assembly, Resource } from './assembly.ts';
import type { Scope } from './intrinsics.ts';

export const REGION = 'us-east-1';
/** The account of the SQS emulator. */
export const ACCOUNT_ID = '000000000000';

/** What the template's references stand for locally. Queue urls are under `sqsEndpoint`. */
export function scopeOf(assembly: Assembly, sqsEndpoint: string): Scope {
  const { stackName, template } = assembly;
  const defaults = Object.entries(template.Parameters ?? {}).map(([name, { Default }]) => [
    name,
    String(Default ?? ''),
  ]);
  return {
    parameters: {
      ...Object.fromEntries(defaults),
      'AWS::Region': REGION,
      'AWS::AccountId': ACCOUNT_ID,
      'AWS::Partition': 'aws',
      'AWS::StackName': stackName,
      'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${stackName}/local`,
      'AWS::URLSuffix': 'amazonaws.com',
    },
    attribute(logicalId, attribute) {
      const resource = template.Resources[logicalId];
      if (!resource) throw new Error(`${logicalId}.${attribute}: the template has no resource ${logicalId}`);
      const found = attributesOf(assembly, logicalId, resource, sqsEndpoint)[attribute];
      if (found !== undefined) return found;
      throw new Error(
        `${logicalId}.${attribute}: the local system does not understand this attribute of ${resource.Type}`,
      );
    },
  };
}

/** Where SQS serves a queue. */
export function queueUrl(sqsEndpoint: string, name: string): string {
  return `${sqsEndpoint}/${ACCOUNT_ID}/${name}`;
}

function attributesOf(assembly: Assembly, logicalId: string, resource: Resource, sqsEndpoint: string) {
  const name = nameOf(assembly, logicalId, resource);
  const attributes: Record<string, Record<string, string>> = {
    'AWS::SQS::Queue': {
      Ref: queueUrl(sqsEndpoint, name),
      QueueUrl: queueUrl(sqsEndpoint, name),
      QueueName: name,
      Arn: `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${name}`,
    },
    'AWS::Lambda::Function': { Ref: name, Arn: functionArn(name) },
    'AWS::SNS::Topic': { Ref: topicArn(name), TopicArn: topicArn(name), TopicName: name },
  };
  // Without a local effect, but another resource may mention it.
  const [, service = ''] = resource.Type.toLowerCase().split('::');
  return (
    attributes[resource.Type] ?? { Ref: logicalId, Arn: `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${logicalId}` }
  );
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}

export function topicArn(name: string): string {
  return `arn:aws:sns:${REGION}:${ACCOUNT_ID}:${name}`;
}

/** Names are plain text in our templates; one without a name gets what CloudFormation would make of its id. */
export function nameOf({ stackName }: Assembly, logicalId: string, { Properties = {} }: Resource): string {
  const given = Properties['QueueName'] ?? Properties['FunctionName'] ?? Properties['TopicName'];
  if (typeof given === 'string') return given;
  if (given !== undefined) throw new Error(`${logicalId}: the local system understands plain names only`);
  return `${stackName}-${logicalId}${Properties['FifoQueue'] ? '.fifo' : ''}`;
}
