import {
  type FunctionProcess,
  type InvocationResult,
  type ProcessOptions,
  startFunctionProcess,
} from './function-process.ts';
import type { Watch } from './reaper.ts';

export type InvokeOptions = {
  /** Runs in a process of its own, past the reserved concurrency: what two schedulers at once would do. */
  readonly concurrent?: boolean;
};

export type LocalFunction = {
  readonly name: string;
  /** The processes that are there now, running or idle. */
  pids(): number[];
  invoke(event?: unknown, options?: InvokeOptions): Promise<InvocationResult>;
  /** Ends every process at once, in the middle of whatever it does; the next invocation starts a fresh one. */
  kill(signal?: NodeJS.Signals): Promise<void>;
};

/**
 * Lambda would start a process for each invocation of a thousand at once; a laptop would not survive that, and lets those
 * beyond so many wait for one that is free.
 */
const MOST_PROCESSES = 10;

/**
 * A deployed function: processes are kept warm between invocations, and no more of them run at once than the
 * reserved concurrency allows; an invocation beyond it is throttled.
 */
export function createLocalFunction(options: ProcessOptions, reaper: Watch): LocalFunction {
  const { plan } = options;
  const idle = new Set<FunctionProcess>();
  const busy = new Set<FunctionProcess>();
  const waiting: (() => void)[] = [];

  function take(): FunctionProcess {
    for (const warm of idle) {
      idle.delete(warm);
      if (warm.isAlive()) return warm;
      reaper.forget({ pid: warm.pid });
    }
    const fresh = startFunctionProcess(options);
    reaper.watch({ pid: fresh.pid });
    return fresh;
  }

  return {
    name: plan.name,
    pids: () => [...busy, ...idle].filter((one) => one.isAlive()).map(({ pid }) => pid),
    async invoke(event = {}, { concurrent = false } = {}) {
      if (!concurrent && plan.concurrency !== undefined && busy.size >= plan.concurrency) return THROTTLED;
      if (busy.size >= MOST_PROCESSES) await new Promise<void>((resolve) => waiting.push(resolve));
      const environment = take();
      busy.add(environment);
      const result = await environment.invoke(event);
      busy.delete(environment);
      if (environment.isAlive()) idle.add(environment);
      else reaper.forget({ pid: environment.pid });
      waiting.shift()?.();
      return result;
    },
    async kill(signal) {
      await Promise.all([...busy, ...idle].map((one) => one.kill(signal)));
    },
  };
}

const THROTTLED: InvocationResult = {
  ok: false,
  errorType: 'TooManyRequestsException',
  errorMessage: 'Rate Exceeded.',
  logs: [],
  durationMs: 0,
};
