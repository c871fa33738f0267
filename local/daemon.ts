import { type ChildProcess, spawn } from 'node:child_process';
import type { Watch } from './reaper.ts';

const STOP_PATIENCE_MS = 5_000;
const POLL_MS = 20;
/** Enough of a failing program's output to see why it failed. */
const LAST_LINES = 5;

export type DaemonOptions = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The user to run as, when it is not ours. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Told of the process from its first moment to its last. */
  readonly reaper?: Watch;
  /** Asked again and again, with all output so far, until it answers true. */
  readonly isReady: (output: string) => boolean | Promise<boolean>;
  readonly readyWithinMs?: number;
  /** What a person can do when the program does not start; ends the error's line. */
  readonly advice: string;
};

export type Daemon = { stop(signal?: NodeJS.Signals): Promise<void> };

/** Starts a program that keeps running, and waits until it is ready for work. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, command, args, env, user, reaper, isReady, readyWithinMs = 20_000, advice } = options;
  const child = spawn(command, args, { env, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid = 0 } = child;
  if (pid) reaper?.watch({ pid });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-64_000);
    });
  }
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    reaper?.forget({ pid });
    ended ??= `ended with ${signal ?? `code ${code}`}: ${lastLines(output)}`;
  });

  const deadline = Date.now() + readyWithinMs;
  while (!(await isReady(output))) {
    if (ended === undefined && Date.now() > deadline) {
      child.kill('SIGKILL');
      ended = `was not ready within ${readyWithinMs} ms: ${lastLines(output)}`;
    }
    if (ended !== undefined) throw new Error(`${name} did not start: ${ended} ${advice}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { stop: (signal) => stopChild(child, signal) };
}

/** Asks a process to end, then makes it. Resolves when it is gone. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  await exited;
  clearTimeout(force);
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-LAST_LINES).join(' | ');
}
