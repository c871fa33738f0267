import type { Assembly, Resource } from './assembly.ts';
import { resolve, type Scope } from './intrinsics.ts';

export const REGION = 'us-east-1';
/** The account of the SQS emulator. */
export const ACCOUNT_ID = '000000000000';
/** Of every function: each start publishes anew. */
export const ONLY_VERSION = '1';

/** What the template's references stand for locally. Queue urls are under `sqsEndpoint`. */
export function scopeOf(assembly: Assembly, sqsEndpoint: string): Scope {
  const { stackName, template } = assembly;
  const defaults = Object.entries(template.Parameters ?? {}).map(([name, { Default }]) => [
    name,
    String(Default ?? ''),
  ]);
  const scope: Scope = {
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
      const name = nameOf(assembly, logicalId, resource);
      const own = (property: string) => String(resolve(resource.Properties?.[property], scope, logicalId));
      const found = attributesOf(resource.Type, { logicalId, name, own, sqsEndpoint })[attribute];
      if (found !== undefined) return found;
      throw new Error(
        `${logicalId}.${attribute}: the local system does not understand this attribute of ${resource.Type}`,
      );
    },
  };
  return scope;
}

/** Where SQS serves a queue. */
export function queueUrl(sqsEndpoint: string, name: string): string {
  return `${sqsEndpoint}/${ACCOUNT_ID}/${name}`;
}

type Owner = {
  readonly logicalId: string;
  readonly name: string;
  /** One of its properties, resolved. */
  readonly own: (property: string) => string;
  readonly sqsEndpoint: string;
};

function attributesOf(type: string, { logicalId, name, own, sqsEndpoint }: Owner): Record<string, string> {
  switch (type) {
    case 'AWS::SQS::Queue': {
      const url = queueUrl(sqsEndpoint, name);
      return { Ref: url, QueueUrl: url, QueueName: name, Arn: `arn:aws:sqs:${REGION}:${ACCOUNT_ID}:${name}` };
    }
    case 'AWS::Lambda::Function':
      return { Ref: name, Arn: functionArn(name) };
    case 'AWS::Lambda::Version':
      return { Ref: `${functionArn(own('FunctionName'))}:${ONLY_VERSION}`, Version: ONLY_VERSION };
    case 'AWS::Lambda::Alias':
      return { Ref: `${functionArn(own('FunctionName'))}:${own('Name')}` };
    case 'AWS::SNS::Topic':
      return { Ref: topicArn(name), TopicArn: topicArn(name), TopicName: name };
    case 'AWS::CloudWatch::Alarm':
    case 'AWS::CloudWatch::CompositeAlarm':
      return { Ref: name, Arn: alarmArn(name) };
    case 'AWS::ApiGateway::RestApi':
      return { Ref: logicalId, RootResourceId: `${logicalId}/` };
    case 'AWS::ApiGateway::Stage':
      return { Ref: own('StageName') };
    default: {
      // Without a local effect, but another resource may mention it.
      const [, service = ''] = type.toLowerCase().split('::');
      return { Ref: logicalId, Arn: `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${logicalId}` };
    }
  }
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:${name}`;
}

export function alarmArn(name: string): string {
  return `arn:aws:cloudwatch:${REGION}:${ACCOUNT_ID}:alarm:${name}`;
}

export function topicArn(name: string): string {
  return `arn:aws:sns:${REGION}:${ACCOUNT_ID}:${name}`;
}

const NAMES: Readonly<Record<string, string>> = {
  'AWS::SQS::Queue': 'QueueName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::CloudWatch::CompositeAlarm': 'AlarmName',
};

/** Names are plain text in our templates; one without a name gets what CloudFormation would make of its id. */
export function nameOf({ stackName }: Assembly, logicalId: string, { Type, Properties = {} }: Resource): string {
  const property = NAMES[Type];
  const given = property && Properties[property];
  if (typeof given === 'string') return given;
  if (given !== undefined) throw new Error(`${logicalId}: the local system understands plain names only`);
  return `${stackName}-${logicalId}${Properties['FifoQueue'] ? '.fifo' : ''}`;
}
