import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

/** A parent that hands a child and a directory to the reaper, says the child's pid, and does not end by itself. */
const PARENT = `
  import { spawn } from 'node:child_process';
  import { startReaper } from ${JSON.stringify(join(process.cwd(), 'local/reaper.ts'))};
  const reaper = startReaper();
  const child = spawn('sleep', ['600']);
  reaper.watch({ pid: child.pid });
  reaper.watch({ directory: process.env.DIRECTORY });
  setTimeout(() => console.log(child.pid), 200);
  setInterval(() => {}, 1000);
`;

it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('leaves nothing behind after %s', async (signal) => {
  const directory = await mkdtemp(join(tmpdir(), 'queuekeeper-reaper-'));
  const env = { ...process.env, DIRECTORY: directory };
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await once(parent.stdout, 'data');
  const pid = Number(output);
  expect(isAlive(pid)).toBe(true);
  parent.kill(signal);
  await until(() => !isAlive(pid) && !existsSync(directory));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`Still not so after 30 s: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
