import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalFunction, type LocalFunction } from '../../local/local-function.ts';
import type { FunctionPlan } from '../../local/template.ts';

/** Does what its event says, so that each test shows what it asks for. */
const BUNDLE = `
let calls = 0;
export async function handler({ wait = 0, print, fail, exit, environment }, context) {
  calls += 1;
  if (print) { console.log(print); console.error('also ' + print); }
  if (environment) return process.env;
  await new Promise((resolve) => setTimeout(resolve, wait));
  if (exit !== undefined) process.exit(exit);
  if (fail) throw new TypeError(fail);
  return { calls, pid: process.pid, name: context.functionName, left: context.getRemainingTimeInMillis() };
}`;

let directory: string;
let running: LocalFunction | undefined;
const lines: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'queuekeeper-function-'));
  await writeFile(join(directory, 'index.mjs'), BUNDLE);
});
afterEach(async () => {
  await running?.kill();
  lines.length = 0;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function aFunction(plan: Partial<FunctionPlan> = {}): LocalFunction {
  const defaults: FunctionPlan = {
    logicalId: 'Monitor',
    name: 'queuekeeper-local-monitor',
    directory,
    handler: 'index.handler',
    environment: { SQS_QUEUE_URL: 'http://queue' },
    memoryMb: 256,
    // Longer than ten processes take to start at once on a busy machine.
    timeoutMs: 60_000,
    concurrency: 1,
  };
  const endpoints = { AWS_ENDPOINT_URL_SQS: 'http://sqs' };
  const noReaper = { watch: () => {}, forget: () => {} };
  running = createLocalFunction(
    { plan: { ...defaults, ...plan }, endpoints, onLine: (line) => lines.push(line) },
    noReaper,
  );
  return running;
}

describe('a local function', () => {
  it('keeps its process warm between invocations, as Lambda does', async () => {
    const monitor = aFunction();
    const first = await monitor.invoke({});
    expect(first).toMatchObject({ ok: true, value: { calls: 1, name: 'queuekeeper-local-monitor' } });
    expect(await monitor.invoke({})).toMatchObject({ ok: true, value: { calls: 2 } });
  });

  it('has the environment of the template and the platform, and nothing of ours', async () => {
    process.env['LEAKED'] = 'yes';
    const { value } = (await aFunction().invoke({ environment: true })) as { value?: Record<string, string> } as never;
    delete process.env['LEAKED'];
    expect(value).toMatchObject({ SQS_QUEUE_URL: 'http://queue', AWS_ENDPOINT_URL_SQS: 'http://sqs', TZ: ':UTC' });
    expect(value).not.toHaveProperty('LEAKED');
    expect(value).not.toHaveProperty('HOME');
  });

  it('gives each invocation its own lines, of both streams', async () => {
    const monitor = aFunction();
    const { logs } = await monitor.invoke({ print: 'one' });
    expect([...logs].sort()).toEqual(['also one', 'one']);
    expect((await monitor.invoke({})).logs).toEqual([]);
    expect([...lines].sort()).toEqual(['also one', 'one']);
  });

  it('answers a thrown error with its type and message, and stays warm', async () => {
    const monitor = aFunction();
    expect(await monitor.invoke({ fail: 'no' })).toMatchObject({
      ok: false,
      errorType: 'TypeError',
      errorMessage: 'no',
    });
    expect(await monitor.invoke({})).toMatchObject({ value: { calls: 2 } });
  });

  it('is killed at its timeout, and starts afresh', async () => {
    // The fresh process has as long to start and to answer.
    const monitor = aFunction({ timeoutMs: 3_000 });
    const late = await monitor.invoke({ wait: 60_000 });
    expect(late).toMatchObject({ ok: false, errorType: 'Sandbox.Timedout' });
    expect(await monitor.invoke({})).toMatchObject({ ok: true, value: { calls: 1 } });
  });

  it('reports a process that exits or is killed, and starts afresh', async () => {
    const monitor = aFunction();
    const gone = await monitor.invoke({ exit: 3 });
    expect(gone).toMatchObject({
      ok: false,
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 3'),
    });
    const interrupted = monitor.invoke({ wait: 60_000 });
    await monitor.kill();
    expect(await interrupted).toMatchObject({ errorMessage: expect.stringContaining('signal: SIGKILL') });
    expect(await monitor.invoke({})).toMatchObject({ ok: true, value: { calls: 1 } });
  });

  it('throttles past its reserved concurrency, unless a second process is asked for', async () => {
    const monitor = aFunction();
    const first = monitor.invoke({ wait: 300 });
    expect(await monitor.invoke({})).toMatchObject({ ok: false, errorType: 'TooManyRequestsException' });
    const second = await monitor.invoke({}, { concurrent: true });
    expect(second).toMatchObject({ ok: true, value: { calls: 1 } });
    expect(await first).toMatchObject({ ok: true });
    expect(monitor.pids()).toHaveLength(2);
  });

  it('runs in ten processes at most, and lets further invocations wait', async () => {
    const api = aFunction({ concurrency: undefined });
    const results = await Promise.all(Array.from({ length: 13 }, () => api.invoke({ wait: 50 })));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(api.pids()).toHaveLength(10);
  });

  it('names a handler that is not there', async () => {
    expect(await aFunction({ handler: 'index.nothing' }).invoke({})).toMatchObject({
      ok: false,
      errorMessage: expect.stringContaining('index.nothing'),
    });
  });
});
