import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * The environment over the values of an env file; a variable that is set wins.
 * @param file `.env` unless QUEUEKEEPER_ENV_FILE names another; one that does not exist is empty
 */
export function withEnvFile(variables: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const file = variables['QUEUEKEEPER_ENV_FILE'] || '.env';
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return { ...fromFile, ...variables };
}
