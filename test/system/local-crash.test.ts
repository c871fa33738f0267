import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from '@jest/globals';

/** Starts the system, warms a function up, and stays until it is killed. */
const PARENT = `
  import { startSystem } from ${JSON.stringify(join(process.cwd(), 'local/system.ts'))};
  const system = await startSystem({ schedules: false });
  await system.invoke('stale-job-monitor');
  console.log('up');
`;

it('leaves no process and no data directory behind when it is killed with SIGKILL', async () => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  expect(line).toBe('up');

  const children = descendantsOf(parent.pid as number);
  const commands = children.map(({ command }) => command).join('\n');
  expect(commands).toMatch(/postgres -D/);
  expect(commands).toMatch(/postgrest/);
  expect(commands).toMatch(/function-bootstrap\.ts/);
  const dataDirectory = /postgres -D (\S+)/.exec(commands)?.[1] ?? '';
  expect(existsSync(dataDirectory)).toBe(true);

  parent.kill('SIGKILL');
  const left = () => children.filter(({ pid }) => existsSync(`/proc/${pid}`)).map(({ command }) => command);
  const deadline = Date.now() + 30_000;
  while ((left().length > 0 || existsSync(dataDirectory)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(left()).toEqual([]);
  expect(existsSync(dataDirectory)).toBe(false);
}, 150_000);

type Process = { pid: number; parent: number; command: string };

function descendantsOf(ancestor: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readProcess);
  const found: Process[] = [];
  for (let parents = [ancestor]; parents.length > 0; ) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map(({ pid }) => pid);
  }
  return found;
}

function readProcess(pid: string): Process[] {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return [{ pid: Number(pid), parent: Number(afterName.split(' ')[1]), command }];
  } catch {
    return []; // ended while we looked
  }
}
