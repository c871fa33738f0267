import { type AlarmPlan, planAlarms } from './alarm-plan.ts';
import { type ApiPlan, planApi } from './api/plan.ts';
import type { Assembly, Resource } from './assembly.ts';
import { type DashboardPlan, planDashboard } from './dashboard/plan.ts';
import { type FunctionTargets, functionTargets } from './function-targets.ts';
import { resolve, type Scope } from './intrinsics.ts';
import { INERT_TYPES, UNDERSTOOD_TYPES } from './resource-types.ts';
import { nameOf, queueUrl, scopeOf } from './template-scope.ts';

export type QueuePlan = {
  readonly logicalId: string;
  readonly name: string;
  readonly attributes: Record<string, string>;
};
export type FunctionPlan = {
  readonly logicalId: string;
  readonly name: string;
  /** The bundle's directory. */
  readonly directory: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  /** Undefined: as many at once as are asked for. */
  readonly concurrency: number | undefined;
};
export type SchedulePlan = {
  readonly logicalId: string;
  readonly expression: string;
  readonly functionName: string;
  readonly input: unknown;
};
export type SystemPlan = {
  /** In an order in which each queue's dead-letter queue comes before it. */
  readonly queues: readonly QueuePlan[];
  readonly functions: readonly FunctionPlan[];
  readonly schedules: readonly SchedulePlan[];
  readonly alarms: readonly AlarmPlan[];
  /** Undefined: the template has none. */
  readonly api: ApiPlan | undefined;
  readonly dashboard: DashboardPlan | undefined;
  readonly targets: FunctionTargets;
};

/**
 * Turns a template into what is to be run. `sqsEndpoint` is where the queues will be, as their urls are part of
 * the functions' environment. Anything that is not understood is an error that names it.
 */
export function planSystem(assembly: Assembly, sqsEndpoint: string): SystemPlan {
  const resources = Object.entries(assembly.template.Resources);
  for (const [logicalId, resource] of resources) assertKnown(logicalId, resource);
  const scope = scopeOf(assembly, sqsEndpoint);
  const ofType = (type: string) =>
    resources
      .filter(([, resource]) => resource.Type === type)
      .map(([logicalId, { Properties = {} }]): [string, Record<string, unknown>] => [
        logicalId,
        resolveUsed(type, Properties, scope, logicalId),
      ]);
  const functions = ofType('AWS::Lambda::Function').map(([id, properties]) => planFunction(assembly, id, properties));
  const targets = functionTargets(functions, ofType('AWS::Lambda::Alias'));
  return {
    queues: ofType('AWS::SQS::Queue')
      .map(([logicalId, properties]) => planQueue(assembly, logicalId, properties))
      .sort((a, b) => Number('RedrivePolicy' in a.attributes) - Number('RedrivePolicy' in b.attributes)),
    functions,
    schedules: ofType('AWS::Events::Rule').flatMap(([id, properties]) => planSchedules(targets, id, properties)),
    alarms: planAlarms({
      alarms: ofType('AWS::CloudWatch::Alarm'),
      composites: ofType('AWS::CloudWatch::CompositeAlarm'),
      topics: ofType('AWS::SNS::Topic'),
      subscriptions: ofType('AWS::SNS::Subscription'),
      targets,
    }),
    api: planApi(ofType, targets),
    dashboard: planDashboard(ofType('AWS::CloudWatch::Dashboard')),
    targets,
  };
}

function assertKnown(logicalId: string, { Type, Condition, Properties = {} }: Resource): void {
  if (Type in INERT_TYPES) return;
  const known = UNDERSTOOD_TYPES[Type];
  if (!known) throw new Error(`${logicalId}: the local system does not understand resources of type ${Type}`);
  if (Condition) throw new Error(`${logicalId}: the local system does not understand Condition ${Condition}`);
  for (const property of Object.keys(Properties)) {
    if (known.used.includes(property) || property in known.ignored) continue;
    throw new Error(`${logicalId}: the local system does not understand the property ${property} of ${Type}`);
  }
}

function resolveUsed(type: string, properties: Readonly<Record<string, unknown>>, scope: Scope, logicalId: string) {
  const used = Object.entries(properties).filter(([name]) => UNDERSTOOD_TYPES[type]?.used.includes(name));
  return resolve(Object.fromEntries(used), scope, logicalId) as Record<string, unknown>;
}

function planQueue(assembly: Assembly, logicalId: string, properties: Record<string, unknown>): QueuePlan {
  const { QueueName: _, ...rest } = properties;
  const attributes = Object.entries(rest).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  const resource = assembly.template.Resources[logicalId] as Resource;
  return { logicalId, name: nameOf(assembly, logicalId, resource), attributes: Object.fromEntries(attributes) };
}

function planFunction(assembly: Assembly, logicalId: string, properties: Record<string, unknown>): FunctionPlan {
  const { Code, Handler, Runtime, Environment, MemorySize, Timeout, ReservedConcurrentExecutions } = properties as {
    Code: { S3Key?: string };
    Handler: string;
    Runtime: string;
    Environment?: { Variables: Record<string, string> };
    MemorySize?: number;
    Timeout?: number;
    ReservedConcurrentExecutions?: number;
  };
  if (Runtime !== 'nodejs24.x') throw new Error(`${logicalId}: the local system runs nodejs24.x, not ${Runtime}`);
  const directory = assembly.assets[Code.S3Key ?? ''];
  if (!directory) throw new Error(`${logicalId}: the assembly has no asset for its code ${JSON.stringify(Code)}`);
  return {
    logicalId,
    name: nameOf(assembly, logicalId, assembly.template.Resources[logicalId] as Resource),
    directory,
    handler: Handler,
    environment: Environment?.Variables ?? {},
    memoryMb: MemorySize ?? 128,
    timeoutMs: (Timeout ?? 3) * 1_000,
    concurrency: ReservedConcurrentExecutions,
  };
}

function planSchedules(targets: FunctionTargets, logicalId: string, properties: Record<string, unknown>) {
  const { ScheduleExpression, State, Targets } = properties as {
    ScheduleExpression?: string;
    State?: string;
    Targets?: { Arn: string; Input?: string }[];
  };
  if (State === 'DISABLED') return [];
  if (!ScheduleExpression) throw new Error(`${logicalId}: the local system understands rules with a schedule only`);
  return (Targets ?? []).map(({ Arn, Input }): SchedulePlan => {
    const target = targets.get(Arn);
    if (!target) throw new Error(`${logicalId}: its target ${Arn} is not a function of this stack`);
    return {
      logicalId,
      expression: ScheduleExpression,
      functionName: target,
      input: Input ? JSON.parse(Input) : { source: 'aws.events', 'detail-type': 'Scheduled Event' },
    };
  });
}

/** The urls of the job queue, the only one with a redrive policy, and of the dead-letter queue that it names. */
export function jobQueueUrls(
  { queues }: Pick<SystemPlan, 'queues'>,
  sqsEndpoint: string,
): { queueUrl: string; dlqUrl: string } {
  const redriven = queues.filter(({ attributes }) => attributes['RedrivePolicy']);
  const [job] = redriven;
  if (!job || redriven.length > 1)
    throw new Error(`The template has ${redriven.length} queues with a RedrivePolicy, wanted 1`);
  const target: string = JSON.parse(job.attributes['RedrivePolicy'] ?? '{}').deadLetterTargetArn;
  const dead = queues.find(({ name }) => target.endsWith(`:${name}`));
  if (!dead) throw new Error(`The dead-letter queue ${target} is not in the template`);
  return { queueUrl: queueUrl(sqsEndpoint, job.name), dlqUrl: queueUrl(sqsEndpoint, dead.name) };
}
