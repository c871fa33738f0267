import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface LambdaFunctionProps {
  /** The folder below `lambdas/`, and the last part of the function's name. */
  readonly name: string;
  readonly stage: string;
  readonly description: string;
  /** Exactly what the function's `env.ts` asks for. */
  readonly environment: Record<string, string>;
  readonly timeout: Duration;
  /** In MB; processor time comes in proportion. @default 256 */
  readonly memorySize?: number;
  /** @default none reserved */
  readonly reservedConcurrency?: number;
  /** Log lines are kept for so many days. @default 30 */
  readonly logRetention?: RetentionDays;
  /** How often Lambda tries a failed asynchronous call again. @default 0 */
  readonly retryAttempts?: number;
  /** Where an event goes that the function could not handle. */
  readonly failedEvents: IQueue;
}

/**
 * One of the product's functions: Node.js 24 on arm64, one ESM bundle, a role that may do nothing but write its own
 * log, and a log group that CloudFormation owns. Each deploy that changes it publishes a version.
 */
export class LambdaFunction extends Construct {
  /** Among friends: without the stage. */
  readonly name: string;
  readonly function: NodejsFunction;
  /** What everything calls. `aws lambda update-alias` turns it back to an older version, and with it the function. */
  readonly alias: Alias;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    super(scope, id);
    this.name = props.name;
    const functionName = `queuekeeper-${props.stage}-${props.name}`;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: props.logRetention ?? 30,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // The managed policy that CDK would attach may write every log group of the account.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);

    this.function = new NodejsFunction(this, 'Function', {
      functionName,
      description: props.description,
      entry: fileURLToPath(new URL(`../../lambdas/${props.name}/handler.ts`, import.meta.url)),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize ?? 256,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: props.environment,
      role,
      logGroup,
      // A version that is no longer in the template must stay, or there would be nothing to turn back to.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        minify: true,
        mainFields: ['module', 'main'],
        bundleAwsSDK: true,
        // Some dependencies are CommonJS and call require().
        banner: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);",
      },
    });
    this.alias = new Alias(this, 'Live', {
      aliasName: 'live',
      version: this.function.currentVersion,
      retryAttempts: props.retryAttempts ?? 0,
      maxEventAge: Duration.hours(1),
      onFailure: { bind: () => ({ destination: props.failedEvents.queueArn }) },
    });
    this.allowSending(props.failedEvents);
  }

  /** Lets the function send to a queue; grantSendMessages would also let it read the queue's attributes. */
  allowSending(queue: IQueue): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }));
  }

  /** Lets the function read these SSM parameters, and no others. The account's own key for SSM needs no grant. */
  allowReading(...parameterArns: string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: ['ssm:GetParameter'], resources: parameterArns }));
  }
}
