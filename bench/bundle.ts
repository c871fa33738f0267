import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export type Bundle = {
  readonly kilobytes: number;
  /** Kilobytes of each npm package in it, the largest first. */
  readonly packages: ReadonlyMap<string, number>;
};

export type BundleOptions = {
  /** The text of a module at the root of the project. */
  readonly entry: string;
  readonly outfile: string;
  /** @default true */
  readonly write?: boolean;
  readonly plugins?: Plugin[];
};

/** The folders below lambdas/ that are functions. */
export function functionNames(): string[] {
  const folders = readdirSync(`${ROOT}lambdas`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => name)
    .filter((name) => readdirSync(`${ROOT}lambdas/${name}`).includes('handler.ts'))
    .toSorted();
}

export function entryOf(functionName: string): string {
  return `export { handler } from './lambdas/${functionName}/handler.ts';`;
}

/** With the options of lib/constructs/lambda-function.ts, so that this is what is deployed. */
export async function bundle({ entry, outfile, write = true, plugins }: BundleOptions): Promise<Bundle> {
  const { metafile } = await build({
    stdin: { contents: entry, resolveDir: ROOT },
    outfile,
    write,
    plugins,
    bundle: true,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  const [output] = Object.values(metafile.outputs);
  return { kilobytes: (output?.bytes ?? 0) / 1_000, packages: packagesOf(output) };
}

function packagesOf(output: Metafile['outputs'][string] | undefined): Map<string, number> {
  const packages = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const name = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1];
    if (name && bytesInOutput > 0) packages.set(name, (packages.get(name) ?? 0) + bytesInOutput / 1_000);
  }
  return new Map([...packages].toSorted(([, a], [, b]) => b - a));
}
