import type { FrontDoor } from './front-door.ts';
import { createLocalFunction } from './local-function.ts';
import type { Reaper } from './reaper.ts';
import type { Sqs } from './sqs/start-sqs.ts';
import type { Ssm } from './ssm.ts';
import { SUPABASE_PLACEHOLDER } from './synthesize.ts';
import type { SystemPlan } from './template.ts';

type FunctionsOptions = {
  plan: SystemPlan;
  door: FrontDoor;
  sqs: Sqs;
  ssm: Ssm;
  reaper: Reaper;
  cleanup: AsyncDisposableStack;
  /** Told the whole name. */
  onLine: (functionName: string, line: string) => void;
};

/** Each function of the plan by its short name, with nothing running until it is invoked. */
export function createFunctions({ plan, door, sqs, ssm, reaper, cleanup, onLine }: FunctionsOptions) {
  const endpoints = { AWS_ENDPOINT_URL_SQS: sqs.endpoint, AWS_ENDPOINT_URL_SSM: ssm.endpoint };
  const functions = plan.functions.map((one) => {
    const shortName = shortNameOf(one.name);
    const environment = mapValues(one.environment, (value) => value.replaceAll(SUPABASE_PLACEHOLDER, door.origin));
    const options = { plan: { ...one, environment }, endpoints, onLine: (line: string) => onLine(one.name, line) };
    return [shortName, createLocalFunction(options, reaper)] as const;
  });
  cleanup.defer(async () => {
    await Promise.all(functions.map(([, one]) => one.kill()));
  });
  return Object.fromEntries(functions);
}

/** `queuekeeper-<stage>-stale-job-monitor` is `stale-job-monitor` among friends. */
export function shortNameOf(functionName: string): string {
  return functionName.replace(/^queuekeeper-[^-]+-/, '');
}

function mapValues(record: Readonly<Record<string, string>>, change: (value: string) => string) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
