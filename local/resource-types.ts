import { API_TYPES, INERT_API_TYPES } from './api/resource-types.ts';

/**
 * What the local system knows of CloudFormation. A resource type or property in neither list stops the start:
 * what runs locally is what is deployed, so nothing may be left out without having been thought about.
 */

/** Properties that are carried out locally, and those that need not be, with the reason. */
export type KnownType = { readonly used: readonly string[]; readonly ignored: Readonly<Record<string, string>> };

const NO_METADATA = 'labels have no effect on behaviour';

export const UNDERSTOOD_TYPES: Readonly<Record<string, KnownType>> = {
  'AWS::SQS::Queue': {
    used: [
      'QueueName',
      'RedrivePolicy',
      'VisibilityTimeout',
      'MessageRetentionPeriod',
      'DelaySeconds',
      'ReceiveMessageWaitTimeSeconds',
      'MaximumMessageSize',
      'FifoQueue',
      'ContentBasedDeduplication',
    ],
    ignored: {
      SqsManagedSseEnabled: 'nothing is encrypted at rest on a laptop',
      KmsMasterKeyId: 'nothing is encrypted at rest on a laptop',
      KmsDataKeyReusePeriodSeconds: 'nothing is encrypted at rest on a laptop',
      RedriveAllowPolicy: 'permissions are not modelled',
      Tags: NO_METADATA,
    },
  },
  'AWS::Lambda::Function': {
    used: [
      'FunctionName',
      'Code',
      'Handler',
      'Runtime',
      'Environment',
      'MemorySize',
      'Timeout',
      'ReservedConcurrentExecutions',
    ],
    ignored: {
      Role: 'permissions are not modelled',
      Architectures: 'JavaScript runs the same on every processor',
      Description: NO_METADATA,
      LoggingConfig: 'lines go to the terminal',
      TracingConfig: 'nothing is traced on a laptop',
      Tags: NO_METADATA,
    },
  },
  'AWS::Lambda::Version': {
    used: ['FunctionName'],
    ignored: { CodeSha256: 'there is one version on a laptop', Description: NO_METADATA },
  },
  'AWS::Lambda::Alias': {
    used: ['FunctionName', 'Name'],
    ignored: { Description: NO_METADATA, FunctionVersion: 'there is one version on a laptop' },
  },
  'AWS::Events::Rule': {
    used: ['ScheduleExpression', 'State', 'Targets'],
    ignored: { Name: NO_METADATA, Description: NO_METADATA, Tags: NO_METADATA },
  },
  'AWS::SNS::Topic': {
    used: ['TopicName'],
    ignored: {
      DisplayName: NO_METADATA,
      KmsMasterKeyId: 'nothing is encrypted at rest on a laptop',
      Tags: NO_METADATA,
    },
  },
  'AWS::SNS::Subscription': { used: ['Protocol', 'TopicArn', 'Endpoint'], ignored: {} },
  'AWS::CloudWatch::Dashboard': { used: ['DashboardName', 'DashboardBody'], ignored: {} },
  'AWS::CloudWatch::Alarm': {
    used: [
      'AlarmName',
      'AlarmDescription',
      'AlarmActions',
      'OKActions',
      'InsufficientDataActions',
      'Namespace',
      'MetricName',
      'Dimensions',
      'Metrics',
      'Statistic',
      'ExtendedStatistic',
      'Period',
      'EvaluationPeriods',
      'DatapointsToAlarm',
      'Threshold',
      'ComparisonOperator',
      'TreatMissingData',
    ],
    ignored: { Tags: NO_METADATA },
  },
  'AWS::CloudWatch::CompositeAlarm': {
    used: [
      'AlarmName',
      'AlarmDescription',
      'AlarmActions',
      'OKActions',
      'InsufficientDataActions',
      'AlarmRule',
      'ActionsSuppressor',
      'ActionsSuppressorWaitPeriod',
      'ActionsSuppressorExtensionPeriod',
    ],
    ignored: { Tags: NO_METADATA },
  },
  ...API_TYPES,
};

/** Types without a local effect, each with the reason. */
export const INERT_TYPES: Readonly<Record<string, string>> = {
  'AWS::IAM::Role': 'permissions are not modelled; the stack tests assert them',
  'AWS::IAM::Policy': 'permissions are not modelled; the stack tests assert them',
  'AWS::IAM::ManagedPolicy': 'permissions are not modelled; the stack tests assert them',
  'AWS::Lambda::Permission': 'permissions are not modelled; the stack tests assert them',
  'AWS::SQS::QueuePolicy': 'permissions are not modelled; the stack tests assert them',
  'AWS::SNS::TopicPolicy': 'permissions are not modelled; the stack tests assert them',
  'AWS::KMS::Key': 'nothing is encrypted at rest on a laptop',
  'AWS::KMS::Alias': 'nothing is encrypted at rest on a laptop',
  'AWS::Logs::LogGroup': 'lines go to the terminal',
  'AWS::Logs::MetricFilter': 'metrics are taken from EMF lines only',
  'AWS::Lambda::EventInvokeConfig': 'a failed run is shown in the terminal and waits for the next tick',
  ...INERT_API_TYPES,
  'AWS::CDK::Metadata': 'tells AWS which constructs were used',
};
