import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packageDirectory } from './package-directory.ts';
import { runProgram } from './run-program.ts';

const ROOT = dirname(import.meta.dirname);
/** Whatever changes the template or a bundle. */
const SOURCES = ['bin', 'lib', 'lambdas', 'cdk.json', 'package-lock.json'];
const KEPT_FOR_MS = 24 * 3600 * 1_000;

/** The origin in the template that the runner replaces by the local one: settings accept https only. */
export const SUPABASE_PLACEHOLDER = 'https://local.supabase.co';

/** The stage of the local stack, unless its settings say another. */
export const LOCAL_STAGE = 'local';

/** The settings of the local stack. The user's own .env and environment stay out of it. */
const LOCAL_SETTINGS = { STAGE: LOCAL_STAGE, AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: SUPABASE_PLACEHOLDER };

/**
 * Runs `cdk synth` for the local stack and answers the cloud assembly's directory. An unchanged tree with the
 * same settings is not synthesized again.
 */
export async function synthesize(overrides: Readonly<Record<string, string>> = {}): Promise<string> {
  const settings = { ...LOCAL_SETTINGS, ...overrides };
  const parent = join(ROOT, '.local', 'cdk.out');
  const output = join(parent, await digestOf(settings));
  if (existsSync(output)) return output;

  await mkdir(parent, { recursive: true });
  await removeOld(parent);
  // A rename makes it whole or absent for every other process; two at once do the work twice, and one wins.
  const draft = join(parent, `draft-${randomUUID()}`);
  try {
    await runProgram({
      name: 'cdk synth',
      command: process.execPath,
      args: [join(packageDirectory('aws-cdk'), 'bin', 'cdk'), 'synth', '--quiet', '--no-notices', '--output', draft],
      cwd: ROOT,
      env: { ...settings, ...ownEnvironment(), QUEUEKEEPER_ENV_FILE: '/dev/null', CI: 'true' },
    });
    await rename(draft, output);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(output)) throw error;
  }
  return output;
}

/** What programs need to run at all; `node` must be ours for the app command too. */
function ownEnvironment(): Record<string, string> {
  const { HOME = '/', TMPDIR = '/tmp', PATH = '' } = process.env;
  return { HOME, TMPDIR, PATH: `${dirname(process.execPath)}:${PATH}` };
}

async function digestOf(settings: object): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of (await Promise.all(SOURCES.map(filesUnder))).flat().sort()) {
    hash.update(`\0${file}\0`).update(await readFile(join(ROOT, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesUnder(path: string): Promise<string[]> {
  if ((await stat(join(ROOT, path))).isFile()) return [path];
  const entries = await readdir(join(ROOT, path), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

async function removeOld(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > KEPT_FOR_MS) await rm(path, { recursive: true, force: true });
  }
}
