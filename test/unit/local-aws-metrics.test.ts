import { describe, expect, it } from '@jest/globals';
import type { ApiPlan } from '../../local/api/plan.ts';
import { gatewaySamples, lambdaSamples } from '../../local/aws-metrics.ts';
import type { InvocationResult } from '../../local/function-process.ts';
import type { Sample } from '../../local/metrics.ts';

const values = (samples: readonly Sample[]) => Object.fromEntries(samples.map(({ name, value }) => [name, value]));
const failed = (errorType: string): InvocationResult => ({
  ...{ ok: false, errorType, errorMessage: 'no', logs: [], durationMs: 9 },
});

describe('the metrics of an invocation', () => {
  it.each<[string, InvocationResult, object]>([
    [
      'went well',
      { ok: true, value: 1, logs: [], durationMs: 7 },
      { Invocations: 1, Throttles: 0, Errors: 0, Duration: 7 },
    ],
    ['failed', failed('TypeError'), { Invocations: 1, Throttles: 0, Errors: 1, Duration: 9 }],
    ['was throttled, and so never began', failed('TooManyRequestsException'), { Throttles: 1 }],
  ])('that %s', (_how, result, expected) => {
    const samples = lambdaSamples('monitor', result);
    expect(values(samples)).toEqual(expected);
    expect(samples[0]).toMatchObject({ namespace: 'AWS/Lambda', dimensions: { FunctionName: 'monitor' } });
  });
});

describe('the metrics of a request', () => {
  const plan = { name: 'api', stage: 'prod' } as ApiPlan;
  const of = (status: number, resourcePath = '/api/health') =>
    gatewaySamples(plan, { resourcePath, httpMethod: 'GET', status, latencyMs: 12 });

  it.each([
    [200, 0, 0],
    [399, 0, 0],
    [400, 1, 0],
    [499, 1, 0],
    [500, 0, 1],
  ])('that was answered with %d', (status, client, server) => {
    expect(values(of(status))).toEqual({ Count: 1, '4XXError': client, '5XXError': server, Latency: 12 });
  });

  it('are those of the API, of its stage and of the method, where there is one', () => {
    const dimensions = (samples: readonly Sample[]) =>
      samples.filter(({ name }) => name === 'Count').map((one) => one.dimensions);
    expect(dimensions(of(200))).toEqual([
      { ApiName: 'api' },
      { ApiName: 'api', Stage: 'prod' },
      { ApiName: 'api', Method: 'GET', Resource: '/api/health', Stage: 'prod' },
    ]);
    expect(dimensions(of(404, ''))).toHaveLength(2);
  });
});
