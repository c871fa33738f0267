type Variables = Record<string, string | undefined>;

/** Lists everything that is missing or wrong, so that it can be mended at once. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  /** One line each. */
  readonly problems: readonly string[];
  /** The env file that they were looked for in, besides the environment. */
  readonly file: string;

  constructor(problems: readonly string[], variables: Variables) {
    const lines = problems.map((line) => `  ${line}`).join('\n');
    const file = envFileOf(variables);
    super(`Settings (environment and ${file}) are missing or wrong:\n${lines}`);
    this.problems = problems;
    this.file = file;
  }
}

/** The file that stands behind the environment: `.env`, or another for another stage. */
export function envFileOf(variables: Variables): string {
  return variables['QUEUEKEEPER_ENV_FILE'] || '.env';
}
