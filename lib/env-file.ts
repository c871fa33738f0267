import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { meantName } from './misspelling.ts';
import { SETTING_NAMES } from './settings.ts';
import { envFileOf, SettingsError } from './settings-error.ts';

type Variables = Record<string, string | undefined>;

/**
 * The environment over the values of the env file; a variable that is set wins.
 * @throws SettingsError when a name in the file is almost that of a setting, whose default would hold in silence, or has no
 * effect in it; Error when
 * the file that QUEUEKEEPER_ENV_FILE names cannot be read: another stage than was meant could be deployed
 */
export function withEnvFile(variables: Variables): Variables {
  const fromFile = readEnvFile(variables);
  const problems = Object.keys(fromFile).flatMap((name) => {
    const meant = meantName(name, SETTING_NAMES);
    return meant ? [`${name} in ${envFileOf(variables)} is no setting, did you mean ${meant}?`] : [];
  });
  // The CDK and the AWS SDK read it from the environment alone: another account than was meant could be deployed to.
  if (fromFile['AWS_PROFILE'] && !variables['AWS_PROFILE']) {
    problems.push(
      `AWS_PROFILE in ${envFileOf(variables)} has no effect, wanted it in the environment: export AWS_PROFILE=…`,
    );
  }
  if (problems.length > 0) throw new SettingsError(problems, variables);
  return { ...fromFile, ...variables };
}

function readEnvFile(variables: Variables): Variables {
  const file = envFileOf(variables);
  if (!variables['QUEUEKEEPER_ENV_FILE'] && !existsSync(file)) return {}; // the environment may hold everything
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause);
    throw new Error(`QUEUEKEEPER_ENV_FILE is "${file}", wanted a file with settings: ${reason}`, { cause });
  }
}
