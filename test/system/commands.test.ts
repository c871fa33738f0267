import { spawnSync } from 'node:child_process';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { storeSecrets } from '../../cli/store-secrets.ts';
import { readSettings } from '../../lib/settings.ts';
import { type Ssm, startSsm } from '../../local/ssm.ts';

const KEY = 'sb_secret_AbCdEfGhIjKlMnOpQrStUvWxYz';
const WEBHOOK = 'https://hooks.slack.com/services/T0/B0/abc';

/** Runs a command as an operator does, with this environment and no .env file. */
function queuekeeper(args: string[], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/queuekeeper.ts', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], QUEUEKEEPER_ENV_FILE: '/dev/null', ...environment },
  });
  return { status, printed: `${stdout}${stderr}` };
}

describe('deploy', () => {
  test('lists what settings and secrets miss before it does anything', () => {
    const { status, printed } = queuekeeper(['deploy'], { AWS_DEFAULT_REGION: 'us-east-1' });
    expect(status).toBe(2);
    expect(printed).toContain('SUPABASE_URL is missing');
    expect(printed).toContain('SUPABASE_SERVICE_KEY is missing');
    expect(printed.match(/missing or wrong/g)).toHaveLength(1);
    expect(printed).not.toContain('    at ');
  });

  test('has no --local, and does not leave it to the CDK to say so', () => {
    const { status, printed } = queuekeeper(['deploy', '--local']);
    expect({ status, printed: printed.trim() }).toEqual({
      status: 2,
      printed: 'deploy has no --local: the local system deploys itself (npm run local)',
    });
  });
});

describe('migrate', () => {
  test.each([
    ['no URL', '', 'SUPABASE_DB_URL is missing, wanted postgresql://'],
    ['a URL of something else', 'https://acme.supabase.co', 'SUPABASE_DB_URL is not a Postgres URL, wanted'],
    ['a password that breaks the URL', 'postgresql://u:hun[ter/2@db.example:5432/postgres', 'percent-encoded'],
    ['a password that ends the host', 'postgresql://u:hun@ss#w/ord@db.example:5432/postgres', 'percent-encoded'],
    ['a password that looks like a port', 'postgresql://u.ref:12#hun@db.example:5432/postgres', 'percent-encoded'],
    [
      'the placeholder of the password',
      'postgresql://u:[YOUR-PASSWORD]@db.example:5432/postgres',
      'SUPABASE_DB_URL holds the placeholder [YOUR-PASSWORD]',
    ],
    ['a placeholder for the host', 'postgresql://u:hunter2@[YOUR-HOST]:5432/postgres', 'percent-encoded'],
    ['the transaction pooler', 'postgresql://u:hunter2@pooler.example:6543/postgres', 'SUPABASE_DB_URL has port 6543'],
  ])('refuses %s in one line that does not show the password', (_what, SUPABASE_DB_URL, text) => {
    const { status, printed } = queuekeeper(['migrate', 'status'], { SUPABASE_DB_URL });
    expect(status).toBe(2);
    expect(printed).toContain(text);
    expect(printed.trim().split('\n')).toHaveLength(1);
    expect(printed).not.toMatch(/hun/);
  });

  test.each(['0', '-1', '1.5', 'all'])('down refuses %s as a number of migrations', (n) => {
    const { status, printed } = queuekeeper(['migrate', 'down', '--', n]);
    expect(status).toBe(2);
    expect(printed).toContain(
      `argument value '${n}' is invalid for argument 'n'. Wanted a whole number of at least 1.`,
    );
  });

  const NOWHERE = { SUPABASE_DB_URL: 'postgresql://u:hunter2@127.0.0.1:1/postgres' };

  test('says which database is not there, without the password', () => {
    const { status, printed } = queuekeeper(['migrate', 'status'], NOWHERE);
    expect(status).toBe(1);
    expect(printed).toContain('cannot connect to the database at 127.0.0.1:1');
    expect(printed.trim().split('\n')).toHaveLength(1);
    expect(printed).not.toMatch(/hun/);
  });

  test('down does nothing where nobody can be asked, and says what to add', () => {
    const { status, printed } = queuekeeper(['migrate', 'down', '2'], NOWHERE);
    expect(status).toBe(2);
    expect(printed).toContain('Undo the last 2 migrations of 127.0.0.1:1? There is no terminal to ask at');
    expect(printed).toContain('add --yes');
  });
});

describe('a command', () => {
  const SETTINGS = { AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://acme.supabase.co' };

  test.each([
    ['an unknown command', ['statsu'], 'Did you mean status'],
    ['an unknown option', ['status', '--jsno'], 'Did you mean --json'],
    ['no subcommand', ['dlq'], 'dlq redrive --rate 1 --yes'],
    ['a job that is no UUID', ['stale', 'recover', '--job', '42'], '--job is "42", wanted the id of a job, a UUID'],
    [
      'a rate of nothing',
      ['dlq', 'redrive', '--rate', '0'],
      "argument '0' is invalid. Wanted a whole number from 1 to 500.",
    ],
    ['a rate that SQS refuses', ['dlq', 'redrive', '--rate', '501'], 'Wanted a whole number from 1 to 500.'],
    ['an unknown plan', ['keys', 'create', '--plan', 'gold', '--name', 'acme'], 'starter, pro, enterprise'],
    ['a key without a plan', ['keys', 'create', '--name', 'acme'], "required option '--plan <plan>'"],
    ['a key without a name', ['keys', 'create', '--plan', 'pro'], "required option '--name <name>'"],
    [
      'a name that looks like an option',
      ['keys', 'create', '--plan', 'pro', '--name=--yes'],
      '--name is "--yes", wanted',
    ],
    [
      'a name that orders the terminal about',
      ['keys', 'create', '--plan', 'pro', '--name', 'a\x1b[2J'],
      'is "a\\x1b[2J"',
    ],
  ])('that has %s ends with exit code 2 and says what was wanted', (_what, args, text) => {
    const { status, printed } = queuekeeper(args, SETTINGS);
    expect(status).toBe(2);
    expect(printed).toContain(text);
    expect(printed).not.toContain('\x1b');
    expect(printed).not.toContain('    at ');
  });

  test.each(['status', 'stale list', 'dlq list', 'keys list', 'secrets push'])(
    '%s lists what settings miss, and has exit code 2',
    (command) => {
      const { status, printed } = queuekeeper(command.split(' '), { SUPABASE_URL: 'acme' });
      expect(status).toBe(2);
      expect(printed).toContain('AWS_DEFAULT_REGION is missing');
      expect(printed).toContain('SUPABASE_URL is "acme", wanted');
    },
  );

  test('status lists a bad key and all else that is wrong once, and shows no screen', () => {
    const { status, printed } = queuekeeper(['status'], {
      ...SETTINGS,
      STAGE: 'Prod',
      SUPABASE_SERVICE_KEY: 'hunter22',
    });
    expect(status).toBe(2);
    expect(printed.trim().split('\n')).toEqual([
      'Settings (environment and /dev/null) are missing or wrong:',
      expect.stringMatching(/^ {2}STAGE is "Prod", wanted/),
      expect.stringMatching(/^ {2}SUPABASE_SERVICE_KEY is "hunt…", wanted/),
    ]);
  });

  test('refuses an env file that is not there, by its name', () => {
    const { status, printed } = queuekeeper(['status'], { ...SETTINGS, QUEUEKEEPER_ENV_FILE: '/nowhere/.env.stagng' });
    expect({ status, printed: printed.trim() }).toEqual({
      status: 2,
      printed: 'QUEUEKEEPER_ENV_FILE is "/nowhere/.env.stagng", wanted a file with settings: there is no such file',
    });
  });

  test('names the host that is not there, and the queue that it looked for', () => {
    const nowhere = { ...SETTINGS, SUPABASE_URL: 'https://nowhere.invalid', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };
    const keys = { SUPABASE_SERVICE_KEY: KEY, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
    const { status, printed } = queuekeeper(['status'], { ...nowhere, ...keys, AWS_MAX_ATTEMPTS: '1' });
    expect(status).toBe(1);
    expect(printed).toMatch(
      /Jobs +not known: system_health: no answer: TypeError: fetch failed: getaddrinfo \w+ nowhere\.invalid/,
    );
    expect(printed).toMatch(/Job queue +not known: cannot find the queue queuekeeper-prod-jobs in us-east-1/);
    expect(printed).toMatch(
      /Dead letters +not known: cannot find the queue queuekeeper-prod-dead-letters in us-east-1/,
    );
  });

  test('with --local says how to start the local system, when there is none', () => {
    const { status, printed } = queuekeeper(['status', '--local'], {
      QUEUEKEEPER_LOCAL_SYSTEM: '/nowhere/system.json',
    });
    expect(status).toBe(2);
    expect(printed.trim()).toBe(
      'There is no /nowhere/system.json: start the local system first, in another terminal: npm run local',
    );
  });

  test.each([['status'], ['stale'], ['dlq'], ['keys'], ['secrets'], ['migrate'], ['deploy'], ['verify']])(
    '%s --help has examples that begin as a person would type them',
    (name) => {
      const { status, printed } = queuekeeper([name, '--help']);
      expect(status).toBe(0);
      expect(printed).toMatch(new RegExp(`Examples:\\n  npx queuekeeper ${name} `));
    },
  );
});

describe('storing secrets', () => {
  const settings = readSettings({ AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://acme.supabase.co' });
  let ssm: Ssm;
  let client: SSMClient;

  beforeAll(async () => {
    ssm = await startSsm();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    client = new SSMClient({ endpoint: ssm.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await ssm.stop();
  });

  const stored = async (Name: string) => {
    const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
    return { value: Parameter?.Value, type: Parameter?.Type, version: Parameter?.Version };
  };

  test('writes encrypted parameters where the functions read them', async () => {
    const names = await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY, SLACK_WEBHOOK_URL: WEBHOOK }, { client });
    expect(names).toEqual(['/queuekeeper/prod/supabase-service-key', '/queuekeeper/prod/slack-webhook-url']);
    expect(await stored('/queuekeeper/prod/supabase-service-key')).toEqual({
      value: KEY,
      type: 'SecureString',
      version: 1,
    });
  });

  test('leaves alone what has not changed, and writes what has', async () => {
    const again = { SUPABASE_SERVICE_KEY: KEY, SLACK_WEBHOOK_URL: `${WEBHOOK}d` };
    expect(await storeSecrets(settings, again, { client })).toEqual(['/queuekeeper/prod/slack-webhook-url']);
    expect(await stored('/queuekeeper/prod/slack-webhook-url')).toMatchObject({ value: `${WEBHOOK}d`, version: 2 });
    expect(await stored('/queuekeeper/prod/supabase-service-key')).toMatchObject({ version: 1 });
  });

  test('keeps a webhook that is no longer given: alerts do not stop by accident', async () => {
    expect(await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY }, { client })).toEqual([]);
    expect(await stored('/queuekeeper/prod/slack-webhook-url')).toMatchObject({ value: `${WEBHOOK}d` });
  });

  test('writes the secret of a proxy, when there is one', async () => {
    const PROXY_SECRET = 'd4f1'.repeat(16);
    expect(await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY, PROXY_SECRET }, { client })).toEqual([
      '/queuekeeper/prod/proxy-secret',
    ]);
    expect(await stored('/queuekeeper/prod/proxy-secret')).toMatchObject({ value: PROXY_SECRET, type: 'SecureString' });
  });

  test('keeps two stages apart', async () => {
    const blue = { ...settings, STAGE: 'blue' };
    expect(await storeSecrets(blue, { SUPABASE_SERVICE_KEY: KEY }, { client })).toEqual([
      '/queuekeeper/blue/supabase-service-key',
    ]);
  });

  test('only compares, in a dry run', async () => {
    const changed = { SUPABASE_SERVICE_KEY: `${KEY}z`, SLACK_WEBHOOK_URL: `${WEBHOOK}d` };
    expect(await storeSecrets(settings, changed, { client, isDryRun: true })).toEqual([
      '/queuekeeper/prod/supabase-service-key',
    ]);
    expect(await stored('/queuekeeper/prod/supabase-service-key')).toMatchObject({ value: KEY });
  });

  test('names the parameter, and shows no secret, when AWS does not answer', async () => {
    ssm.setDown(true);
    const failed = storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY }, { client });
    await expect(failed).rejects.toThrow('the parameter /queuekeeper/prod/supabase-service-key in AWS');
    await expect(failed).rejects.not.toThrow(KEY);
    ssm.setDown(false);
  });
});
