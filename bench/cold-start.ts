/**
 * `node bench/cold-start.ts [--rounds 20]`: what the stale-job monitor's cold start costs with @supabase/postgrest-js
 * alone, which it ships, and with @supabase/supabase-js in its place. One fresh process for each measurement, the two
 * taken in turns; the time from import to a client that is ready to call.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { environment } from '../lambdas/stale-job-monitor/env.ts';

const ROOT = join(import.meta.dirname, '..');

/** The handler as it is deployed, and the client that it makes when it is called. */
const ENTRY = `
  export { handler } from './lambdas/stale-job-monitor/handler.ts';
  export { connectDatabase } from './lambdas/shared/database.ts';`;

const MEASURE = `
  const startedAt = performance.now();
  const { connectDatabase } = await import(process.argv[1]);
  connectDatabase({ url: 'https://example.supabase.co', key: 'sb_secret_of_nobody' });
  console.log(performance.now() - startedAt);`;

/** supabase-js with the settings that it needs in a Lambda, behind the name and the call that our code uses. */
const SUPABASE_JS = `
  import { createClient } from '@supabase/supabase-js';
  export class PostgrestClient {
    constructor(url, { headers, fetch }) {
      const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
      return createClient(url.replace('/rest/v1', ''), headers.apikey, { auth, global: { fetch, headers } });
    }
  }`;

const instead: Plugin = {
  name: 'supabase-js-instead',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@supabase\/postgrest-js$/ }, ({ importer }) =>
      importer.includes('/lambdas/') ? { path: 'supabase-js', namespace: 'instead' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'instead' }, () => ({ contents: SUPABASE_JS, resolveDir: ROOT }));
  },
};

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${values.rounds}, wanted a whole number from 1`);

const directory = mkdtempSync(join(tmpdir(), 'queuekeeper-cold-start-'));
try {
  const bundles = {
    'postgrest-js': await bundle('postgrest-js', []),
    'supabase-js': await bundle('supabase-js', [instead]),
  };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, file] of Object.entries(bundles)) times[name] = [...(times[name] ?? []), measure(file)];
  }
  console.log(`Node.js ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model}, ${rounds} processes each`);
  for (const [name, file] of Object.entries(bundles)) {
    const kilobytes = (statSync(file).size / 1000).toFixed(0);
    console.log(`${name.padEnd(14)}bundle ${kilobytes} kB, median ${median(times[name] ?? []).toFixed(1)} ms`);
  }
  const ratio = median(times['supabase-js'] ?? []) / median(times['postgrest-js'] ?? []);
  console.log(`supabase-js / postgrest-js: ${ratio.toFixed(2)}`);
} finally {
  rmSync(directory, { recursive: true });
}

/** With the options of lib/constructs/lambda-function.ts. */
async function bundle(name: string, plugins: Plugin[]): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  await build({
    stdin: { contents: ENTRY, resolveDir: ROOT },
    outfile,
    plugins,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  return outfile;
}

function measure(file: string): number {
  const numbers = [
    'STALE_THRESHOLD_MINUTES',
    'RECOVERY_BATCH_SIZE',
    'BREAKER_MIN_RUNNING',
    'BREAKER_SHARE',
    'CANARY_SIZE',
  ];
  const variables = Object.keys(environment).map((name) => [
    name,
    numbers.includes(name) ? '1' : 'https://example.com',
  ]);
  const env = { ...Object.fromEntries(variables), AWS_REGION: 'us-east-1' };
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', MEASURE, file], { env, encoding: 'utf8' }),
  );
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
