/**
 * `npm run bench -- cold-start [--rounds 20] [--quick]`: how large each function's bundle is, how long its import takes in
 * a fresh process, and which packages are in it; beside a handler that does nothing, one that imports every AWS SDK client
 * of the project, and the stale-job monitor with @supabase/supabase-js in the place of @supabase/postgrest-js. All by
 * turns. Written to docs/benchmarks.md; not with --quick, which takes three rounds.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Plugin } from 'esbuild';
import { type Bundle, bundle, entryOf, functionNames } from './bundle.ts';
import { type Import, measureImport, sampleVariables } from './fresh-process.ts';
import { median, quantile } from './median.ts';
import { describeRun, table, writeSection } from './page.ts';

const ROOT = join(import.meta.dirname, '..');
const API_FUNCTIONS = ['health', 'queue-status'];
/** How much longer than nothing the start of an API function may take. */
const GOAL_MS = 80;
const EMPTY = 'nothing';
const MONITOR = 'stale-job-monitor';

type Subject = { name: string; entry: string; functionName?: string; plugins?: Plugin[] };
type Measured = Subject & Bundle & { imports: Import[] };

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, quick: { type: 'boolean', default: false } },
});
const rounds = values.quick ? 3 : Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new Error(`--rounds is ${values.rounds}, wanted a whole number from 1`);
}

const directory = await mkdtemp(join(tmpdir(), 'queuekeeper-cold-start-'));
try {
  const measured = await measureAll(await subjects());
  const command = `npm run bench -- cold-start${values.quick ? ' --quick' : ` --rounds ${rounds}`}`;
  const markdown = report(measured, command);
  console.log(markdown);
  if (!values.quick) await writeSection('cold-start', markdown);
} finally {
  await rm(directory, { recursive: true });
}

async function subjects(): Promise<Subject[]> {
  const clients = (await readdir(join(ROOT, 'node_modules/@aws-sdk'))).filter((name) => name.startsWith('client-'));
  const everyClient = clients.map((name, index) => `export * as client${index} from '@aws-sdk/${name}';`).join('\n');
  /** The handler, and the client that it makes when it is called. */
  const withClient = `${entryOf(MONITOR)} export { connectDatabase } from './lambdas/shared/database.ts';`;
  return [
    { name: EMPTY, entry: 'export const handler = async () => {};' },
    ...functionNames().map((name) => ({ name, functionName: name, entry: entryOf(name) })),
    { name: `${MONITOR} with its client`, functionName: MONITOR, entry: withClient },
    { name: `${MONITOR} with supabase-js`, functionName: MONITOR, entry: withClient, plugins: [supabaseJs()] },
    { name: `all ${clients.length} AWS SDK clients`, entry: `${everyClient} export const handler = async () => {};` },
  ];
}

/** supabase-js with the settings that it needs in a Lambda, behind the name and the call that our code uses. */
function supabaseJs(): Plugin {
  const contents = `
    import { createClient } from '@supabase/supabase-js';
    export class PostgrestClient {
      constructor(url, { headers, fetch }) {
        const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
        return createClient(url.replace('/rest/v1', ''), headers.apikey, { auth, global: { fetch, headers } });
      }
    }`;
  return {
    name: 'supabase-js-instead',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^@supabase\/postgrest-js$/ }, ({ importer }) =>
        importer.includes('/lambdas/') ? { path: 'supabase-js', namespace: 'instead' } : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'instead' }, () => ({ contents, resolveDir: ROOT }));
    },
  };
}

async function measureAll(wanted: readonly Subject[]): Promise<Measured[]> {
  const bundles = await Promise.all(
    wanted.map(async (subject, index) => {
      const outfile = join(directory, `${index}.mjs`);
      const variables = subject.functionName ? await sampleVariables(subject.functionName) : {};
      const measured = { ...subject, ...(await bundle({ ...subject, outfile })), imports: [] as Import[] };
      return { outfile, variables, measured };
    }),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const { outfile, variables, measured } of round % 2 ? bundles.toReversed() : bundles) {
      measured.imports.push(measureImport(outfile, variables));
    }
  }
  return bundles.map(({ measured }) => measured);
}

function report(all: readonly Measured[], command: string): string {
  const importsOf = (name: string) => all.find((one) => one.name === name)?.imports ?? [];
  const wall = (name: string) => median(importsOf(name).map(({ wallMs }) => wallMs));
  const cpu = (name: string) => median(importsOf(name).map(({ cpuMs }) => cpuMs));
  const rows = all.map(({ name, kilobytes, imports, packages }) => {
    const times = imports.map(({ wallMs }) => wallMs);
    const spread = `${quantile(times, 0.1).toFixed(0)}–${quantile(times, 0.9).toFixed(0)}`;
    return [name, kilobytes.toFixed(0), wall(name).toFixed(1), spread, cpu(name).toFixed(1), listPackages(packages)];
  });
  const goals = API_FUNCTIONS.map((name) => {
    const more = wall(name) - wall(EMPTY);
    return [name, `< ${GOAL_MS} ms`, `${more.toFixed(1)} ms`, more < GOAL_MS ? 'met' : '**missed**'];
  });
  const supabaseRatio = cpu(`${MONITOR} with supabase-js`) / cpu(`${MONITOR} with its client`);
  return [
    '## Cold starts',
    describeRun(command),
    `The import of each bundle in ${rounds} fresh processes, by turns: medians, from the 10th to the 90th percentile, and the ` +
      'CPU time of the same span. It leaves out fetching the bundle, starting the machine that runs it, and the share of a ' +
      'CPU that a function of 256 MB on arm64 gets: compare the rows, expect other times in AWS.',
    table(['more than nothing', 'wanted', 'measured', ''], goals),
    table(['bundle', 'kB', 'import ms', '10–90 %', 'CPU ms', 'packages, kB'], rows),
    `With supabase-js instead of postgrest-js, the start of the stale-job monitor takes ${supabaseRatio.toFixed(2)} times the CPU.`,
  ].join('\n\n');
}

/** Those of one owner together: the AWS SDK alone is a dozen. */
function listPackages(packages: ReadonlyMap<string, number>): string {
  const owners = new Map<string, number>();
  for (const [name, kilobytes] of packages) {
    const owner = /^@(aws-sdk|smithy|supabase|aws-lambda-powertools)\//.exec(name)?.[0].concat('*') ?? name;
    owners.set(owner, (owners.get(owner) ?? 0) + kilobytes);
  }
  const largest = [...owners].toSorted(([, a], [, b]) => b - a).filter(([, kilobytes]) => kilobytes >= 1);
  return largest.map(([name, kilobytes]) => `${name} ${kilobytes.toFixed(0)}`).join(', ') || 'none';
}
