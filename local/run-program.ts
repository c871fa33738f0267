import { spawn } from 'node:child_process';

export type ProgramOptions = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What a person can do about a failure; ends the error. */
  readonly advice?: string;
};

/** Runs a program to its end. A failure to start is an ordinary error here, not an event that kills the process. */
export function runProgram(options: ProgramOptions): Promise<void> {
  const { name, command, args, cwd, env, user, advice = '' } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, ...user, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', (cause) => reject(new Error(`${name} failed: ${cause.message} ${advice}`, { cause })));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${name} failed (${signal ?? `code ${code}`}): ${output.trim()} ${advice}`));
    });
  });
}
