import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ReaperOrder } from './reaper-process.ts';

export type Watch = {
  /** From now on this process, or directory, does not outlive ours. */
  watch(what: { pid: number } | { directory: string }): void;
  /** Ended in the ordinary way: its number may soon be another program's. */
  forget(what: { pid: number } | { directory: string }): void;
};

export type Reaper = Watch & {
  /** Whatever is still watched is killed and removed. */
  stop(): Promise<void>;
};

/** Starts the watchdog that cleans up after us, however we end. See reaper-process.ts. */
export function startReaper(): Reaper {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'reaper-process.ts')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  // Its death is no reason for ours: the ordinary stop still works.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const send = (order: ReaperOrder) => child.stdin.write(`${JSON.stringify(order)}\n`);
  return {
    watch: (what) => void send({ do: 'watch', ...what }),
    forget: (what) => void send({ do: 'forget', ...what }),
    stop: () => {
      child.ref();
      child.stdin.end();
      return exited;
    },
  };
}
