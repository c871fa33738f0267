import { describe, expect, test } from '@jest/globals';
import { readAll, readSecrets, readSettings } from '../../lib/settings.ts';

const REQUIRED = { AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://acme.supabase.co' };
const QUEUE = 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs';
const DLQ = 'https://sqs.us-east-1.amazonaws.com/123456789012/dead';
const SECRET = 'sb_secret_AbCdEfGhIjKlMnOpQrStUv_WxYz0123';

/** The lines of the one error, without its heading. */
function problemsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    const [heading, ...lines] = (error as Error).message.split('\n');
    expect(heading).toBe('Settings (environment and .env) are missing or wrong:');
    return lines.map((line) => line.trim());
  }
  return [];
}

const jwt = (payload: object) =>
  `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`;

describe('settings', () => {
  test('have the documented defaults', () => {
    expect(readSettings(REQUIRED)).toEqual({
      ...REQUIRED,
      STAGE: 'prod',
      QUEUE_RETENTION_DAYS: 4,
      QUEUE_VISIBILITY_SECONDS: 300,
      QUEUE_MAX_RECEIVES: 5,
      STALE_THRESHOLD_MINUTES: 10,
      STALE_CHECK_MINUTES: 2,
      RECOVERY_BATCH_SIZE: 500,
      BREAKER_MIN_RUNNING: 20,
      BREAKER_SHARE_PERCENT: 50,
      CANARY_SIZE: 5,
      DLQ_ALERT_THRESHOLD: 1,
      DLQ_CHECK_MINUTES: 5,
      ALARM_EMAILS: [],
      LOG_RETENTION_DAYS: 30,
      RESERVE_CONCURRENCY: 'yes',
      RATE_LIMIT_REQUESTS: 100,
      RATE_LIMIT_WINDOW_SECONDS: 60,
      RATE_LIMIT_MODE: 'enforce',
      RATE_LIMIT_RETENTION_HOURS: 24,
      USAGE_PLAN_STARTER: { ratePerSecond: 20, burst: 200, quotaPerMonth: 100_000 },
      USAGE_PLAN_PRO: { ratePerSecond: 50, burst: 500, quotaPerMonth: 1_000_000 },
      USAGE_PLAN_ENTERPRISE: { ratePerSecond: 100, burst: 1000, quotaPerMonth: 10_000_000 },
      QUEUE_API_ACCESS: 'key',
      API_CORS_ORIGINS: [],
    });
  });

  test('that are set to nothing have their defaults, too', () => {
    const empty = Object.fromEntries(Object.keys(readSettings(REQUIRED)).map((name) => [name, '']));
    expect(readSettings({ ...empty, ...REQUIRED })).toEqual(readSettings(REQUIRED));
  });

  test('without a region and a URL are refused in one error', () => {
    expect(problemsOf(() => readSettings({ SUPABASE_URL: '' })).sort()).toEqual([
      'AWS_DEFAULT_REGION is missing, wanted a region such as us-east-1',
      'SUPABASE_URL is missing, wanted the project URL without a path, https://PROJECT.supabase.co',
    ]);
  });

  test('that are bad are all listed in one error, each with its value and what is wanted', () => {
    const bad = {
      STAGE: 'Prod',
      AWS_DEFAULT_REGION: 'virginia',
      SUPABASE_URL: 'acme',
      SQS_QUEUE_URL: 'http://localhost/q',
      STALE_THRESHOLD_MINUTES: '0',
      ALARM_EMAILS: 'ops@example.com, nobody',
      LOG_RETENTION_DAYS: '31',
      RESERVE_CONCURRENCY: 'maybe',
    };
    expect(problemsOf(() => readSettings(bad)).sort()).toEqual([
      'ALARM_EMAILS is "ops@example.com, nobody", wanted e-mail addresses, separated by commas',
      'AWS_DEFAULT_REGION is "virginia", wanted a region such as us-east-1',
      'LOG_RETENTION_DAYS is "31", wanted one of 1, 3, 5, 7, 14, 30, 60, 90, 180, 365',
      'RESERVE_CONCURRENCY is "maybe", wanted yes or no',
      'SQS_DLQ_URL is missing, wanted both queue URLs (to import the queues) or neither (to create them)',
      'SQS_QUEUE_URL is "http://localhost/q", wanted a queue URL (https://sqs.REGION.amazonaws.com/ACCOUNT/NAME)',
      'STAGE is "Prod", wanted lower-case letters, digits and -, 16 at most',
      'STALE_THRESHOLD_MINUTES is "0", wanted a whole number from 1 to 1440',
      'SUPABASE_URL is "acme", wanted the project URL without a path, https://PROJECT.supabase.co',
    ]);
  });

  test.each([
    'acme.supabase.co',
    'http://acme.supabase.co',
    'https://acme.supabase.co/rest/v1',
    'https://acme.supabase.co?x=1',
    'https://acme.supabase.co/#x',
    'https://',
  ])('refuse the Supabase URL %s', (SUPABASE_URL) => {
    const [problem, ...others] = problemsOf(() => readSettings({ ...REQUIRED, SUPABASE_URL }));
    expect(problem).toContain(`SUPABASE_URL is "${SUPABASE_URL}", wanted`);
    expect(others).toEqual([]);
  });

  test('take the Supabase URL with or without a slash at its end', () => {
    const SUPABASE_URL = 'https://acme.supabase.co/';
    expect(readSettings({ ...REQUIRED, SUPABASE_URL })).toMatchObject({ SUPABASE_URL });
  });

  test.each([
    ['QUEUE_RETENTION_DAYS', 1, 13],
    ['QUEUE_VISIBILITY_SECONDS', 0, 43_200],
    ['QUEUE_MAX_RECEIVES', 1, 1000],
    ['STALE_THRESHOLD_MINUTES', 1, 1440],
    ['STALE_CHECK_MINUTES', 1, 60],
    ['RECOVERY_BATCH_SIZE', 1, 1000],
    ['BREAKER_MIN_RUNNING', 1, 1_000_000],
    ['BREAKER_SHARE_PERCENT', 1, 100],
    ['CANARY_SIZE', 1, 1000],
    ['DLQ_ALERT_THRESHOLD', 1, 1_000_000],
    ['DLQ_CHECK_MINUTES', 1, 60],
  ])('take %s from %i to %i and nothing else', (name, min, max) => {
    const read = (value: string) => readSettings({ ...REQUIRED, [name]: value });
    for (const inside of [min, max]) expect(read(String(inside))).toMatchObject({ [name]: inside });
    for (const outside of [String(min - 1), String(max + 1), '1.5', ' ', 'ten', '1e1', '0x1']) {
      expect(problemsOf(() => read(outside))).toEqual([
        `${name} is "${outside}", wanted a whole number from ${min} to ${max}`,
      ]);
    }
  });

  test.each(['a', 'a23456789-123456'])('take the stage %s', (STAGE) => {
    expect(readSettings({ ...REQUIRED, STAGE })).toMatchObject({ STAGE });
  });

  test.each(['1a', 'A', 'a_b', 'a23456789-1234567', 'a '])('refuse the stage "%s"', (STAGE) => {
    expect(problemsOf(() => readSettings({ ...REQUIRED, STAGE }))).toHaveLength(1);
  });

  test.each(['us-east-1', 'ap-southeast-2', 'us-gov-west-1'])('take the region %s', (AWS_DEFAULT_REGION) => {
    expect(readSettings({ ...REQUIRED, AWS_DEFAULT_REGION })).toMatchObject({ AWS_DEFAULT_REGION });
  });

  test('split the e-mail addresses at commas and drop what is empty', () => {
    const { ALARM_EMAILS } = readSettings({ ...REQUIRED, ALARM_EMAILS: ' ops@example.com,, me@example.com ' });
    expect(ALARM_EMAILS).toEqual(['ops@example.com', 'me@example.com']);
  });

  test('take both queues or neither', () => {
    expect(readSettings({ ...REQUIRED, SQS_QUEUE_URL: QUEUE, SQS_DLQ_URL: DLQ })).toMatchObject({
      SQS_QUEUE_URL: QUEUE,
      SQS_DLQ_URL: DLQ,
    });
    for (const [given, missing] of [
      ['SQS_QUEUE_URL', 'SQS_DLQ_URL'],
      ['SQS_DLQ_URL', 'SQS_QUEUE_URL'],
    ] as const) {
      expect(problemsOf(() => readSettings({ ...REQUIRED, [given]: QUEUE }))).toEqual([
        `${missing} is missing, wanted both queue URLs (to import the queues) or neither (to create them)`,
      ]);
    }
  });

  test('refuse one queue as its own dead-letter queue', () => {
    expect(problemsOf(() => readSettings({ ...REQUIRED, SQS_QUEUE_URL: QUEUE, SQS_DLQ_URL: QUEUE }))).toEqual([
      `SQS_DLQ_URL is "${QUEUE}", wanted another queue than SQS_QUEUE_URL`,
    ]);
  });

  test.each([
    'https://sqs.us-east-1.amazonaws.com/12345678901/jobs',
    'https://sqs.us-east-1.amazonaws.com/123456789012/',
    'https://example.com/123456789012/jobs',
    `${QUEUE}?x`,
  ])('refuse the queue URL %s', (SQS_QUEUE_URL) => {
    expect(problemsOf(() => readSettings({ ...REQUIRED, SQS_QUEUE_URL, SQS_DLQ_URL: DLQ }))).toHaveLength(1);
  });

  test('never show a secret that was put under the wrong name', () => {
    const text = problemsOf(() => readSettings({ ...REQUIRED, SUPABASE_URL: SECRET, STAGE: jwt({}) })).join('\n');
    expect(text).toContain('SUPABASE_URL is "sb_secret_…"');
    expect(text).not.toContain(SECRET.slice(0, 12));
    expect(text).not.toContain(jwt({}).slice(0, 12));
  });
});

describe('settings and secrets', () => {
  test('are refused in one error, which names the env file', () => {
    const read = () => readAll({ QUEUEKEEPER_ENV_FILE: '.env.staging', AWS_DEFAULT_REGION: 'us-east-1' });
    expect(read).toThrow(
      [
        'Settings (environment and .env.staging) are missing or wrong:',
        '  SUPABASE_URL is missing, wanted the project URL without a path, https://PROJECT.supabase.co',
        '  SUPABASE_SERVICE_KEY is missing, wanted a secret key (sb_secret_…)',
      ].join('\n'),
    );
  });
});

describe('secrets', () => {
  test('are a secret key and, if alerts are wanted, a webhook', () => {
    const SLACK_WEBHOOK_URL = 'https://hooks.slack.com/services/T0/B0/abc';
    expect(readSecrets({ SUPABASE_SERVICE_KEY: SECRET })).toEqual({ SUPABASE_SERVICE_KEY: SECRET });
    expect(readSecrets({ SUPABASE_SERVICE_KEY: SECRET, SLACK_WEBHOOK_URL })).toMatchObject({ SLACK_WEBHOOK_URL });
    expect(readSecrets({ SUPABASE_SERVICE_KEY: SECRET, SLACK_WEBHOOK_URL: '' })).toEqual({
      SUPABASE_SERVICE_KEY: SECRET,
    });
  });

  test('are refused while the project is still the sample', () => {
    const sample = { SUPABASE_SERVICE_KEY: SECRET, SUPABASE_URL: 'https://your-project.supabase.co' };
    expect(() => readSecrets(sample)).toThrow('SUPABASE_URL is the placeholder of .env.example');
  });

  test.each([
    ['SUPABASE_URL', 'postgresql://postgres:hunter22@db.example.supabase.co:5432/postgres', 'hunter22'],
    ['SUPABASE_URL', 'https://user:password@acme.supabase.co', 'password'],
    ['RUNBOOK_URL', 'https://hooks.slack.com/services/T0/B0/abcdef', 'abcdef'],
  ])('are refused and not shown under the name %s', (name, value, secret) => {
    const [message] = problemsOf(() => readSettings({ ...REQUIRED, [name]: value }));
    expect(message).toContain(`${name} is "`);
    expect(message).not.toContain(secret);
  });

  test('may be a legacy key of the service role', () => {
    const key = jwt({ role: 'service_role' });
    expect(readSecrets({ SUPABASE_SERVICE_KEY: key })).toEqual({ SUPABASE_SERVICE_KEY: key });
  });

  test('take SUPABASE_SERVICE_ROLE_KEY as another name of the key, which SUPABASE_SERVICE_KEY outranks', () => {
    expect(readSecrets({ SUPABASE_SERVICE_ROLE_KEY: SECRET })).toEqual({ SUPABASE_SERVICE_KEY: SECRET });
    expect(readSecrets({ SUPABASE_SERVICE_KEY: '', SUPABASE_SERVICE_ROLE_KEY: SECRET })).toEqual({
      SUPABASE_SERVICE_KEY: SECRET,
    });
    expect(readSecrets({ SUPABASE_SERVICE_KEY: SECRET, SUPABASE_SERVICE_ROLE_KEY: `${SECRET}2` })).toEqual({
      SUPABASE_SERVICE_KEY: SECRET,
    });
  });

  test('without a key are refused', () => {
    expect(problemsOf(() => readSecrets({}))).toEqual([
      'SUPABASE_SERVICE_KEY is missing, wanted a secret key (sb_secret_…)',
    ]);
  });

  test.each([
    ['a publishable key', 'sb_publishable_AbCdEfGhIjKlMn', 'a publishable key, which may do nothing here'],
    ['a wrapped key', jwt({ role: 'service_role' }).replace('.', '.\n'), 'a key with a space or a line end inside'],
    ['an anon key', jwt({ role: 'anon' }), 'a key of the role anon'],
    ['an authenticated key', jwt({ role: 'authenticated' }), 'a key of the role authenticated'],
    ['a token without a role', jwt({}), 'neither a secret key nor a legacy service_role JWT'],
    ['a token whose payload is null', `eyJ.${Buffer.from('null').toString('base64url')}.x`, 'neither a secret key'],
    ['the placeholder', 'sb_secret_replace_me', 'the placeholder of .env.example'],
    ['a password', 'correct horse battery staple', 'neither a secret key nor a legacy service_role JWT'],
    ['the prefix alone', 'sb_secret_', 'a secret key that is cut short or holds a character that no key has'],
    ['a key cut by its dashboard', `${SECRET.slice(0, 20)}…`, 'a secret key that is cut short or holds a character'],
    [
      'a key with a line end in it',
      'sb_secret_AbCdEfGh\nIjKlMn',
      'a secret key that is cut short or holds a character',
    ],
    ['a key with a line end after it', `${SECRET}\n`, 'a secret key that is cut short or holds a character'],
  ])('refuse %s and say what it is', (_what, key, problem) => {
    const [line, ...others] = problemsOf(() => readSecrets({ SUPABASE_SERVICE_KEY: key }));
    expect(line).toContain(`wanted a secret key (sb_secret_…); this is ${problem}`);
    expect(others).toEqual([]);
  });

  test('do not take a random key for the placeholder because it holds the word', () => {
    const key = 'sb_secret_AbCdYouRrEpLaCeGhIjKlMn';
    expect(readSecrets({ SUPABASE_SERVICE_KEY: key })).toEqual({ SUPABASE_SERVICE_KEY: key });
  });

  test.each(['http://hooks.slack.com/services/T0/B0/abc', 'https://hooks.slack.com.evil.example/T0/B0', 'webhook'])(
    'refuse the webhook %s',
    (SLACK_WEBHOOK_URL) => {
      const [line] = problemsOf(() => readSecrets({ SUPABASE_SERVICE_KEY: SECRET, SLACK_WEBHOOK_URL }));
      expect(line).toContain('wanted an incoming webhook (https://hooks.slack.com/services/…)');
    },
  );

  test.each(['hunter2', 'x', 'sb_publishable_AbCdEfGhIjKlMn', jwt({ role: 'anon' })])(
    'are never shown in full in an error, be they as short as %s',
    (value) => {
      const text = problemsOf(() => readSecrets({ SUPABASE_SERVICE_KEY: value, SLACK_WEBHOOK_URL: value })).join('\n');
      expect(text).toContain('SUPABASE_SERVICE_KEY is "');
      expect(text).not.toContain(`"${value}"`);
      expect(text).not.toContain(value.length < 3 ? `"${value}…` : value.slice(0, Math.ceil(value.length / 2) + 1));
    },
  );
});
