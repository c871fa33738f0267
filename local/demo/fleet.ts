import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { LocalSystem } from '../system.ts';
import type { WorkerNote } from './worker.ts';

export type Fleet = {
  /** Starts a worker under a name that no worker had before, and answers the name. */
  hire(): string;
  /** Ends a worker as a crash or the out-of-memory killer does: at once, in the middle of whatever it does. */
  kill(workerId: string): void;
  /** Stops its clock, as a paused virtual machine does; thaw lets it go on without knowing. */
  freeze(workerId: string): void;
  thaw(workerId: string): void;
  /** Gives every worker, also those hired later, the version that reads a website without https://. */
  fix(): void;
  stop(): void;
};

/** The workers of the demo, each in its own process, connected to `system` by environment variables only. */
export function createFleet(system: LocalSystem, onNote: (note: WorkerNote) => void): Fleet {
  const workers = new Map<string, ChildProcess>();
  let hired = 0;
  let isFixed = false;

  return {
    hire() {
      hired += 1;
      const workerId = `worker-${hired}`;
      const worker = fork(join(import.meta.dirname, 'worker.ts'), {
        env: {
          PATH: process.env['PATH'],
          WORKER_ID: workerId,
          IS_FIXED: isFixed ? 'yes' : 'no',
          SUPABASE_URL: system.supabaseUrl,
          SUPABASE_SERVICE_KEY: system.serviceKey,
          SQS_QUEUE_URL: system.queueUrl,
          AWS_ENDPOINT_URL_SQS: system.sqsEndpoint,
        },
      });
      worker.on('message', (note: WorkerNote) => onNote(note));
      system.reaper.watch({ pid: worker.pid as number });
      worker.once('exit', () => system.reaper.forget({ pid: worker.pid as number }));
      workers.set(workerId, worker);
      return workerId;
    },
    kill: (workerId) => void workers.get(workerId)?.kill('SIGKILL'),
    freeze: (workerId) => void workers.get(workerId)?.kill('SIGSTOP'),
    thaw: (workerId) => void workers.get(workerId)?.kill('SIGCONT'),
    fix() {
      isFixed = true;
      for (const worker of workers.values()) if (worker.connected) worker.send('fix');
    },
    stop() {
      for (const worker of workers.values()) worker.kill('SIGKILL');
    },
  };
}
