import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LocalSystem } from '../../local/system.ts';

const DIRECTORY = join(import.meta.dirname, '..', '..', 'examples', 'python-worker');
const LONGEST_WAIT_MS = 50_000;

/** A worker of examples/python-worker in a process of its own. */
export type PythonWorker = {
  /** What it printed so far. */
  readonly lines: readonly string[];
  readonly process: ChildProcess;
  /** Waits until it has printed such a line, and answers that line's index; fails with all lines when it does not come. */
  saw(pattern: RegExp): Promise<number>;
  /** Waits for its end and answers its exit code. */
  exited(): Promise<number | null>;
};

/**
 * The first Python here that has boto3. There is no test without one.
 * @throws an Error that says how to install it
 */
export function findPython(): string {
  const candidates = [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3'];
  const found = candidates.find((python) => spawnSync(python, ['-c', 'import boto3']).status === 0);
  if (found) return found;
  throw new Error(
    `No Python with boto3 here (tried ${candidates.join(', ')}). Install it: apt-get install -y python3-boto3, ` +
      'or pip install -r examples/python-worker/requirements.txt. PYTHON names another interpreter.',
  );
}

/** Starts one, connected to `system` by environment variables only. */
export function startPythonWorker(
  python: string,
  system: LocalSystem,
  environment: Readonly<Record<string, string>> = {},
): PythonWorker {
  const child = spawn(python, ['-u', 'worker.py'], {
    cwd: DIRECTORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PYTHONDONTWRITEBYTECODE: '1',
      SUPABASE_URL: system.supabaseUrl,
      SUPABASE_SERVICE_KEY: system.serviceKey,
      SQS_QUEUE_URL: system.queueUrl,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      HEARTBEAT_SECONDS: '0.5',
      BACKOFF_SECONDS: '0',
      SUBMISSION_SECONDS: '0.01',
      ...environment,
    },
  });
  system.reaper.watch({ pid: child.pid as number });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  exit.then(() => system.reaper.forget({ pid: child.pid as number }));
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line));

  return {
    lines,
    process: child,
    exited: () => exit,
    saw: async (pattern) => {
      for (const until = Date.now() + LONGEST_WAIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
        const index = lines.findIndex((line) => pattern.test(line));
        if (index >= 0) return index;
        if (Date.now() > until) throw new Error(`The worker did not print ${pattern}, only:\n${lines.join('\n')}`);
      }
    },
  };
}
