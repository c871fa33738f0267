import { z } from 'zod';
import { apiSettings, apiSettingsProblems } from './api-settings.ts';
import { list, optional, wholeNumber } from './setting-fields.ts';
import { SettingsError } from './settings-error.ts';

/** CloudWatch Logs keeps logs for these numbers of days only (and some longer ones). */
const CLOUDWATCH_RETENTIONS = ['1', '3', '5', '7', '14', '30', '60', '90', '180', '365'];

const sqsUrl = optional(
  z
    .string()
    .regex(
      /^https:\/\/sqs\.[a-z0-9-]+\.amazonaws\.com\/\d{12}\/[\w-]{1,80}(\.fifo)?$/,
      'a queue URL (https://sqs.REGION.amazonaws.com/ACCOUNT/NAME)',
    )
    .optional(),
);

const httpsUrl = z.url({ protocol: /^https$/, error: 'an https URL' });

const PROJECT_URL = 'the project URL without a path, https://PROJECT.supabase.co';

/**
 * Every deploy-time setting. Names are those of the environment and of `.env`; `.env.example` says what each is for.
 */
const schema = z.object({
  /** Keeps two deployments in one account apart. Part of every name. @default prod */
  STAGE: optional(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,15}$/, 'lower-case letters, digits and -, 16 at most')
      .default('prod'),
  ),
  AWS_DEFAULT_REGION: optional(
    z.string('a region such as us-east-1').regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as us-east-1'),
  ),
  SUPABASE_URL: optional(z.string(PROJECT_URL).regex(/^https:\/\/[a-z0-9.-]+(:\d+)?\/?$/i, PROJECT_URL)),

  /** Both given: the queues exist and are imported. Neither: they are created. */
  SQS_QUEUE_URL: sqsUrl,
  SQS_DLQ_URL: sqsUrl,
  /** Only for created queues. */
  QUEUE_RETENTION_DAYS: wholeNumber(1, 13, 4),
  QUEUE_VISIBILITY_SECONDS: wholeNumber(0, 43_200, 300),
  QUEUE_MAX_RECEIVES: wholeNumber(1, 1000, 5),

  STALE_THRESHOLD_MINUTES: wholeNumber(1, 1440, 10),
  STALE_CHECK_MINUTES: wholeNumber(1, 60, 2),
  RECOVERY_BATCH_SIZE: wholeNumber(1, 1000, 500),
  BREAKER_MIN_RUNNING: wholeNumber(1, 1_000_000, 20),
  BREAKER_SHARE_PERCENT: wholeNumber(1, 100, 50),
  CANARY_SIZE: wholeNumber(1, 1000, 5),

  DLQ_ALERT_THRESHOLD: wholeNumber(1, 1_000_000, 1),
  DLQ_CHECK_MINUTES: wholeNumber(1, 60, 5),

  /** E-mail addresses, separated by commas, that get every alarm by a path that shares no code with Slack. */
  ALARM_EMAILS: list(z.email('e-mail addresses, separated by commas')),
  /** Where alarms and alerts send the reader. */
  RUNBOOK_URL: optional(
    httpsUrl
      .refine((url) => !url.includes('hooks.slack'), 'the page of the runbook; this is a webhook, a secret')
      .optional(),
  ),
  LOG_RETENTION_DAYS: optional(
    z
      .string()
      .refine((days) => CLOUDWATCH_RETENTIONS.includes(days), `one of ${CLOUDWATCH_RETENTIONS.join(', ')}`)
      .transform(Number)
      .default(30),
  ),
  /** "no" for a young AWS account, whose quota is too small to reserve anything. */
  RESERVE_CONCURRENCY: optional(z.enum(['yes', 'no'], 'yes or no').default('yes')),

  ...apiSettings,
});

const secretsSchema = z.object({
  /** `sb_secret_…`, or a legacy service_role JWT. */
  SUPABASE_SERVICE_KEY: z.string('a secret key (sb_secret_…)').superRefine((key, context) => {
    const problem = whatIsWrongWith(key);
    if (problem) context.addIssue({ code: 'custom', message: `a secret key (sb_secret_…); this is ${problem}` });
  }),
  SLACK_WEBHOOK_URL: optional(
    z
      .string()
      .regex(/^https:\/\/hooks\.slack(-gov)?\.com\/\S+$/, 'an incoming webhook (https://hooks.slack.com/services/…)')
      .optional(),
  ),
  /** What the team's own proxy sends in PROXY_SECRET_HEADER. */
  PROXY_SECRET: optional(z.string().min(32, 'at least 32 random characters (openssl rand -hex 32)').optional()),
});

export type Settings = z.infer<typeof schema>;
export type Secrets = z.infer<typeof secretsSchema>;
type Variables = Record<string, string | undefined>;

/** Every name that has a meaning in an env file, but those of the AWS SDK and API_URL (an APP_URL is no misspelling). */
export const SETTING_NAMES: readonly string[] = [
  ...Object.keys(schema.shape),
  ...Object.keys(secretsSchema.shape),
  'SUPABASE_SERVICE_ROLE_KEY',
  'SUPABASE_DB_URL',
  'SUPABASE_ANON_KEY',
];

/**
 * Reads what the stack needs. Secrets are no part of it: they never reach a template.
 * @throws SettingsError that lists every missing or bad name, its value and what is wanted
 */
export function readSettings(variables: Variables): Settings {
  const parsed = schema.safeParse(variables);
  const problems = parsed.success ? [] : describe(parsed.error, variables);
  const { SQS_QUEUE_URL: queue, SQS_DLQ_URL: deadLetterQueue } = variables;
  if (Boolean(queue) !== Boolean(deadLetterQueue)) {
    const missing = queue ? 'SQS_DLQ_URL' : 'SQS_QUEUE_URL';
    problems.push(`${missing} is missing, wanted both queue URLs (to import the queues) or neither (to create them)`);
  } else if (queue && queue === deadLetterQueue) {
    problems.push(`SQS_DLQ_URL is "${deadLetterQueue}", wanted another queue than SQS_QUEUE_URL`);
  }
  if (parsed.success) problems.push(...apiSettingsProblems(parsed.data));
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems, variables);
  return parsed.data;
}

/** Reads the secrets that `npm run deploy` stores in SSM, and refuses the sample project. An error shows the beginning of each, never the whole. */
export function readSecrets(variables: Variables): Secrets {
  const all = {
    ...variables,
    SUPABASE_SERVICE_KEY: variables['SUPABASE_SERVICE_KEY'] || variables['SUPABASE_SERVICE_ROLE_KEY'],
  };
  const parsed = secretsSchema.safeParse(all);
  const problems = parsed.success ? [] : describe(parsed.error, all, beginning);
  if (variables['SUPABASE_URL']?.startsWith('https://your-project.')) {
    problems.push('SUPABASE_URL is the placeholder of .env.example, wanted the URL of your project');
  }
  if (variables['PROXY_SECRET_HEADER'] && !variables['PROXY_SECRET']) {
    problems.push('PROXY_SECRET is missing, wanted what your proxy sends in PROXY_SECRET_HEADER');
  }
  if (!parsed.success || problems.length > 0) throw new SettingsError(problems, variables);
  return parsed.data;
}

/**
 * Both, for what needs both.
 * @throws SettingsError that lists the problems of both
 */
export function readAll(variables: Variables): { settings: Settings; secrets: Secrets } {
  const problems: string[] = [];
  const attempt = <T>(read: (variables: Variables) => T) => {
    try {
      return read(variables);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const settings = attempt(readSettings);
  const secrets = attempt(readSecrets);
  if (!settings || !secrets) throw new SettingsError(problems, variables);
  return { settings, secrets };
}

function describe(error: z.ZodError, variables: Variables, show = showUnlessSecret): string[] {
  return error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const value = variables[name];
    return value ? `${name} is "${show(value)}", wanted ${message}` : `${name} is missing, wanted ${message}`;
  });
}

/** Enough of a secret to see which one was pasted. */
function beginning(value: string): string {
  return `${value.slice(0, Math.min(10, Math.floor(value.length / 2)))}…`;
}

/** A secret may stand under the wrong name, a database's URL among them. */
function showUnlessSecret(value: string): string {
  if (/sb_secret_|eyJ|hooks\.slack|:\/\/[^/]*@/.test(value)) return beginning(value);
  return value.length > 200 ? `${value.slice(0, 200)}…` : value;
}

/** What a key is, where it is not one that bypasses row level security. */
function whatIsWrongWith(key: string): string | undefined {
  if (/^sb_secret_(replace|your)/.test(key)) return 'the placeholder of .env.example';
  if (/^sb_secret_[\w-]+$/.test(key)) return undefined;
  if (/^sb_secret_/.test(key)) return 'a secret key that is cut short or holds a character that no key has';
  if (/^sb_publishable_/.test(key)) return 'a publishable key, which may do nothing here';
  const role = roleOfJwt(key);
  if (role === 'service_role')
    return /^[\x21-\x7e]+$/.test(key) ? undefined : 'a key with a space or a line end inside';
  return role ? `a key of the role ${role}` : 'neither a secret key nor a legacy service_role JWT';
}

function roleOfJwt(key: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(key.split('.')[1] ?? '', 'base64url').toString()).role;
  } catch {
    return undefined;
  }
}
