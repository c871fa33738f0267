import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';

/** As `npm run local` does it. */
function local(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['local/main.ts', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('--help prints the usage and starts nothing', () => {
  expect(local('--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: npm run local/) });
});

it.each([
  ['an unknown option', ['--prot', '3001'], "Unknown option '--prot'"],
  ['a word', ['3001'], "Unexpected argument '3001'"],
  ['a port that is none', ['--port', 'three'], '--port is three, wanted a number from 0 to 65535.'],
])('%s is named, with the usage, and starts nothing', (_what, args, problem) => {
  const { status, stdout, stderr } = local(...args);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(problem);
  expect(stderr).toContain('Usage: npm run local');
  expect(stderr).not.toContain('    at ');
});
