import type { Served } from './api/gateway.ts';
import type { ApiPlan } from './api/plan.ts';
import type { InvocationResult } from './function-process.ts';
import type { Sample } from './metrics.ts';

/** The metrics that AWS itself writes, of what happened now. */
type Metered = readonly (readonly [name: string, value: number])[];

function samples(namespace: string, dimensions: Sample['dimensions'], values: Metered): Sample[] {
  const at = Date.now();
  return values.map(([name, value]) => ({ namespace, name, dimensions, value, at }));
}

/** Of an invocation. One that was throttled never began. */
export function lambdaSamples(FunctionName: string, result: InvocationResult): Sample[] {
  const isThrottled = !result.ok && result.errorType === 'TooManyRequestsException';
  return samples(
    'AWS/Lambda',
    { FunctionName },
    isThrottled
      ? [['Throttles', 1]]
      : [
          ['Invocations', 1],
          ['Throttles', 0],
          ['Errors', result.ok ? 0 : 1],
          ['Duration', result.durationMs],
        ],
  );
}

/** Of a request to the API: for the API, for its stage, and for the method, as detailed metrics have it. */
export function gatewaySamples({ name: ApiName, stage: Stage }: ApiPlan, served: Served): Sample[] {
  const { resourcePath: Resource, httpMethod: Method, status, latencyMs } = served;
  const values: Metered = [
    ['Count', 1],
    ['4XXError', Number(status >= 400 && status < 500)],
    ['5XXError', Number(status >= 500)],
    ['Latency', latencyMs],
  ];
  const dimensions: Sample['dimensions'][] = [
    { ApiName },
    { ApiName, Stage },
    ...(Resource ? [{ ApiName, Method, Resource, Stage }] : []),
  ];
  return dimensions.flatMap((one) => samples('AWS/ApiGateway', one, values));
}

/** Of a schedule that was due. */
export function scheduleSamples(RuleName: string): Sample[] {
  return samples('AWS/Events', { RuleName }, [['Invocations', 1]]);
}

/** Of a queue, as it is now. */
export function queueSamples(QueueName: string, visible: number): Sample[] {
  return samples('AWS/SQS', { QueueName }, [['ApproximateNumberOfMessagesVisible', visible]]);
}
