import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Something that a migration lets the secret key use. */
export interface Installed {
  readonly kind: 'relation' | 'function';
  readonly name: string;
  /** The migration that made it. */
  readonly file: string;
}

/**
 * What must be there, read from the grants of the migrations themselves, so that a new one is checked without a word here.
 * What two migrations grant belongs to the first.
 */
export async function readInstallation(directory = MIGRATIONS): Promise<Installed[]> {
  const installed = new Map<string, Installed>();
  for (const file of (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()) {
    for (const one of grantedIn(await readFile(join(directory, file), 'utf8'), file)) {
      if (!installed.has(one.name)) installed.set(one.name, one);
    }
  }
  return [...installed.values()];
}

function grantedIn(sql: string, file: string): Installed[] {
  const grants = sql.matchAll(/^grant\s[\w\s,]+?\son\s+(function\s+)?public\.(\w+)[^;]*?\sto service_role;/gm);
  return [...grants].map(([, isFunction, name = '']) => ({ kind: isFunction ? 'function' : 'relation', name, file }));
}
