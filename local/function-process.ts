import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { stopChild } from './daemon.ts';
import { END_OF_LOGS, type Invocation, type Outcome, type Report } from './function-bootstrap.ts';
import type { FunctionPlan } from './template.ts';
import { functionArn, REGION } from './template-scope.ts';

/** Lines that come after the answer are waited for this long; a killed process never ends them. */
const LOG_PATIENCE_MS = 500;

export type ProcessOptions = {
  readonly plan: FunctionPlan;
  /** Where AWS is: the part that the network plays. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
};

/** One execution environment: a process that runs one invocation at a time until it times out or crashes. */
export type FunctionProcess = {
  readonly pid: number;
  isAlive(): boolean;
  invoke(event: unknown): Promise<InvocationResult>;
  kill(signal?: NodeJS.Signals): Promise<void>;
};

export type InvocationResult = Outcome & { readonly logs: readonly string[]; readonly durationMs: number };

export function startFunctionProcess({ plan, endpoints, onLine }: ProcessOptions): FunctionProcess {
  const child = fork(join(import.meta.dirname, 'function-bootstrap.ts'), [plan.directory, plan.handler], {
    execPath: process.execPath,
    execArgv: [],
    cwd: plan.directory,
    env: { ...platformEnvironment(plan), ...plan.environment, ...endpoints },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const logs = collectLogs(child, onLine);
  // The exit event says what happened.
  child.on('error', () => {});

  return {
    pid: child.pid as number,
    isAlive: () => child.connected && child.exitCode === null && child.signalCode === null,
    kill: (signal = 'SIGKILL') => stopChild(child, signal),
    async invoke(event) {
      const startedAt = Date.now();
      const requestId = randomUUID();
      const outcome = await run(child, plan, { requestId, event });
      return { ...outcome, logs: await logs.until(requestId), durationMs: Date.now() - startedAt };
    },
  };
}

/** Sends the event, and waits for the answer, the timeout or the process's end, whichever is first. */
function run(child: ChildProcess, plan: FunctionPlan, { requestId, event }: { requestId: string; event: unknown }) {
  return new Promise<Outcome>((resolve) => {
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      resolve(outcome);
    };
    const onMessage = (report: Report) => report.requestId === requestId && settle(report.outcome);
    const onExit = (code: number | null, signal: string | null) => {
      const cause = signal ? `signal: ${signal}` : `exit status ${code}`;
      settle({ ok: false, errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${cause}` });
    };
    // Lambda kills the environment too, so that nothing of the late run goes on.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      const errorMessage = `${requestId} Task timed out after ${(plan.timeoutMs / 1_000).toFixed(2)} seconds`;
      settle({ ok: false, errorType: 'Sandbox.Timedout', errorMessage });
    }, plan.timeoutMs);
    child.on('message', onMessage).on('exit', onExit);
    const deadlineMs = Date.now() + plan.timeoutMs;
    // A process that has just ended is reported by its exit event.
    child.send({ requestId, event, deadlineMs, functionArn: functionArn(plan.name) } satisfies Invocation, () => {});
  });
}

function collectLogs(child: ChildProcess, onLine: (line: string) => void) {
  let lines: string[] = [];
  const ended = new Map<string, number>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith(END_OF_LOGS)) {
        const requestId = line.slice(END_OF_LOGS.length);
        ended.set(requestId, (ended.get(requestId) ?? 0) + 1);
        return;
      }
      lines.push(line);
      onLine(line);
    });
  }
  return {
    /** The lines of one invocation, once both streams have said that it is over. */
    async until(requestId: string): Promise<string[]> {
      const deadline = Date.now() + LOG_PATIENCE_MS;
      while (child.connected && (ended.get(requestId) ?? 0) < 2 && Date.now() < deadline) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      ended.delete(requestId);
      const taken = lines;
      lines = [];
      return taken;
    },
  };
}

/** What Lambda itself puts in the environment: nothing of ours leaks into the function. */
function platformEnvironment({ name, directory, handler, memoryMb }: FunctionPlan): Record<string, string> {
  return {
    PATH: dirname(process.execPath),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: directory,
    _HANDLER: handler,
  };
}
