import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Runs the pinned CDK CLI under this very Node, in the foreground. Answers its exit code. */
export async function runCdk(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const cli = createRequire(import.meta.url).resolve('aws-cdk/bin/cdk');
  // cdk.json says `node bin/app.ts`: that node must be this one.
  const path = `${dirname(process.execPath)}:${env['PATH'] ?? ''}`;
  const child = spawn(process.execPath, [cli, ...args], { stdio: 'inherit', env: { ...env, PATH: path } });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
