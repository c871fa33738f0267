import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalFacts } from '../../cli/local-facts.ts';
import { factsOf } from '../../local/facts.ts';
import type { LocalSystem } from '../../local/system.ts';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Facts that are not those of the system. */
  readonly facts?: Partial<LocalFacts>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Gets the process id, to send it signals. */
  readonly onStart?: (pid: number) => void;
  /** Nobody reads what is said meanwhile: the terminal is closed, or a pipe's other end. */
  readonly isStderrClosed?: boolean;
}

/** Runs commands against a system as an operator does, each in a process of its own. */
export function commandsFor(system: LocalSystem) {
  return async function run(args: string[], options: RunOptions = {}): Promise<Ran> {
    const directory = await mkdtemp(join(tmpdir(), 'queuekeeper-cli-'));
    const file = join(directory, 'system.json');
    await writeFile(file, JSON.stringify({ ...factsOf(system), ...options.facts }));
    const child = spawn(process.execPath, ['cli/queuekeeper.ts', ...args], {
      env: {
        PATH: process.env['PATH'],
        QUEUEKEEPER_ENV_FILE: '/dev/null',
        QUEUEKEEPER_LOCAL_SYSTEM: file,
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid) options.onStart?.(child.pid);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    if (options.isStderrClosed) child.stderr.destroy();
    const [status] = await once(child, 'close');
    await rm(directory, { recursive: true });
    return { status, ...output };
  };
}
