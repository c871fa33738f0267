/**
 * The watchdog's own process. It lives in its own session, so that Ctrl-C and a closed terminal miss it, and
 * learns of its parent's death by the end of its input, which the kernel guarantees even for SIGKILL.
 */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { isAlive } from './is-alive.ts';

export type ReaperOrder =
  | { readonly do: 'watch' | 'forget'; readonly pid: number }
  | { readonly do: 'watch' | 'forget'; readonly directory: string };

const PATIENCE_MS = 3_000;
const pids = new Set<number>();
const directories = new Set<string>();

const input = createInterface({ input: process.stdin });
input.on('line', (line) => obey(JSON.parse(line) as ReaperOrder));
input.on('close', () => void reap());

function obey(order: ReaperOrder): void {
  const change = <T>(set: Set<T>, value: T) => (order.do === 'watch' ? set.add(value) : set.delete(value));
  if ('pid' in order) change(pids, order.pid);
  else change(directories, order.directory);
}

async function reap(): Promise<void> {
  // For Postgres SIGINT is the fast, clean stop; for the others it is a request to end.
  for (const pid of pids) signal(pid, 'SIGINT');
  const deadline = Date.now() + PATIENCE_MS;
  while ([...pids].some(isAlive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const pid of pids) signal(pid, 'SIGKILL');
  for (const directory of directories) {
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already, which is what was wanted.
  }
}
