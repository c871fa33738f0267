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
    expect(status).toBe(1);
    expect(printed).toContain('SUPABASE_URL is missing');
    expect(printed).toContain('SUPABASE_SERVICE_KEY is missing');
    expect(printed).not.toContain('    at ');
  });
});

describe('migrate', () => {
  test.each([
    ['no URL', '', 'SUPABASE_DB_URL is missing, wanted postgresql://'],
    ['a URL of something else', 'https://acme.supabase.co', 'SUPABASE_DB_URL is not a Postgres URL, wanted'],
    ['a password that breaks the URL', 'postgresql://u:hun[ter/2@db.example:5432/postgres', 'percent-encoded'],
    ['a placeholder for the host', 'postgresql://u:hunter2@[YOUR-HOST]:5432/postgres', 'percent-encoded'],
    ['the transaction pooler', 'postgresql://u:hunter2@pooler.example:6543/postgres', 'SUPABASE_DB_URL has port 6543'],
    ['a database that is not there', 'postgresql://u:hunter2@127.0.0.1:1/postgres', 'cannot connect to the database'],
  ])('refuses %s in one line that does not show the password', (_what, SUPABASE_DB_URL, text) => {
    const { status, printed } = queuekeeper(['migrate', 'status'], { SUPABASE_DB_URL });
    expect(status).toBe(1);
    expect(printed).toContain(text);
    expect(printed.trim().split('\n')).toHaveLength(1);
    expect(printed).not.toMatch(/hun/);
  });

  test.each(['0', '-1', '1.5', 'all'])('down refuses %s as a number of migrations', (n) => {
    const { status, printed } = queuekeeper(['migrate', 'down', '--', n]);
    expect(status).toBe(1);
    expect(printed).toContain(`it is "${n}", wanted a whole number of at least 1`);
  });
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
    const names = await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY, SLACK_WEBHOOK_URL: WEBHOOK }, client);
    expect(names).toEqual(['/queuekeeper/prod/supabase-service-key', '/queuekeeper/prod/slack-webhook-url']);
    expect(await stored('/queuekeeper/prod/supabase-service-key')).toEqual({
      value: KEY,
      type: 'SecureString',
      version: 1,
    });
  });

  test('leaves alone what has not changed, and writes what has', async () => {
    const again = { SUPABASE_SERVICE_KEY: KEY, SLACK_WEBHOOK_URL: `${WEBHOOK}d` };
    expect(await storeSecrets(settings, again, client)).toEqual(['/queuekeeper/prod/slack-webhook-url']);
    expect(await stored('/queuekeeper/prod/slack-webhook-url')).toMatchObject({ value: `${WEBHOOK}d`, version: 2 });
    expect(await stored('/queuekeeper/prod/supabase-service-key')).toMatchObject({ version: 1 });
  });

  test('keeps a webhook that is no longer given: alerts do not stop by accident', async () => {
    expect(await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY }, client)).toEqual([]);
    expect(await stored('/queuekeeper/prod/slack-webhook-url')).toMatchObject({ value: `${WEBHOOK}d` });
  });

  test('writes the secret of a proxy, when there is one', async () => {
    const PROXY_SECRET = 'd4f1'.repeat(16);
    expect(await storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY, PROXY_SECRET }, client)).toEqual([
      '/queuekeeper/prod/proxy-secret',
    ]);
    expect(await stored('/queuekeeper/prod/proxy-secret')).toMatchObject({ value: PROXY_SECRET, type: 'SecureString' });
  });

  test('keeps two stages apart', async () => {
    const blue = { ...settings, STAGE: 'blue' };
    expect(await storeSecrets(blue, { SUPABASE_SERVICE_KEY: KEY }, client)).toEqual([
      '/queuekeeper/blue/supabase-service-key',
    ]);
  });

  test('names the parameter, and shows no secret, when AWS does not answer', async () => {
    ssm.setDown(true);
    const failed = storeSecrets(settings, { SUPABASE_SERVICE_KEY: KEY }, client);
    await expect(failed).rejects.toThrow('the parameter /queuekeeper/prod/supabase-service-key in AWS');
    await expect(failed).rejects.not.toThrow(KEY);
    ssm.setDown(false);
  });
});
