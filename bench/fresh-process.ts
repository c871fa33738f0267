import { execFileSync } from 'node:child_process';
import { optionalText } from '../lambdas/shared/environment.ts';

/** Milliseconds of one import in a process that has done nothing else. */
export type Import = { readonly wallMs: number; readonly cpuMs: number };

/** And of the client, where the bundle exports how to make one: some do their work only then. */
const MEASURE = `
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const { connectDatabase } = await import(process.argv[1]);
  connectDatabase?.({ url: 'https://example.supabase.co', key: 'sb_secret_of_nobody' });
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1000 }));`;

/** The first that a variable's parser accepts will do: nothing is called. */
const SAMPLES = ['https://example.com', '1', 'enforce'];

export function measureImport(file: string, variables: Readonly<Record<string, string>>): Import {
  const args = ['--input-type=module', '-e', MEASURE, file];
  const env = { ...variables, AWS_REGION: 'us-east-1' };
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
}

/** Values with which a function starts. */
export async function sampleVariables(functionName: string): Promise<Record<string, string>> {
  const { environment } = await import(`../lambdas/${functionName}/env.ts`);
  return Object.fromEntries(
    Object.entries(environment).map(([name, parse]) => [name, parse === optionalText ? '' : sample(name, parse)]),
  );
}

function sample(name: string, parse: unknown): string {
  for (const text of SAMPLES) {
    try {
      (parse as (text: string) => unknown)(text);
      return text;
    } catch {
      // the next one
    }
  }
  throw new Error(`${name} takes none of ${SAMPLES.join(', ')}: add one that it takes`);
}
