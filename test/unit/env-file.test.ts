import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withEnvFile } from '../../lib/env-file.ts';
import { meantName } from '../../lib/misspelling.ts';
import { SETTING_NAMES } from '../../lib/settings.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'queuekeeper-env-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function read(text: string, environment: Record<string, string> = {}) {
  const QUEUEKEEPER_ENV_FILE = join(directory, 'some.env');
  writeFileSync(QUEUEKEEPER_ENV_FILE, text);
  return withEnvFile({ QUEUEKEEPER_ENV_FILE, ...environment });
}

describe('the env file', () => {
  test('stands behind the environment', () => {
    expect(read('STAGE=blue\nAPI_URL=https://x.example\n', { STAGE: 'green' })).toMatchObject({
      STAGE: 'green',
      API_URL: 'https://x.example',
    });
  });

  test('is refused where it is named and cannot be read', () => {
    const missing = join(directory, 'none.env');
    expect(() => withEnvFile({ QUEUEKEEPER_ENV_FILE: missing })).toThrow(
      `QUEUEKEEPER_ENV_FILE is "${missing}", wanted`,
    );
    expect(() => withEnvFile({ QUEUEKEEPER_ENV_FILE: directory })).toThrow('EISDIR');
    expect(withEnvFile({ QUEUEKEEPER_ENV_FILE: '/dev/null', STAGE: 'x' })).toMatchObject({ STAGE: 'x' });
  });

  test('is refused with a name that is almost a setting’s; the environment is not', () => {
    expect(() => read('STALE_TRESHOLD_MINUTES=5\nSTAGE=x\nSTAEG=y\n')).toThrow(
      /are missing or wrong:\n {2}STAEG in \S+some\.env is no setting, did you mean STAGE\?\n {2}STALE_TRESHOLD_MINUTES in \S+ is no setting, did you mean STALE_THRESHOLD_MINUTES\?$/,
    );
    expect(read('', { STAEG: 'y' })).toMatchObject({ STAEG: 'y' });
  });

  test('is refused with an AWS profile that nobody would read there; the environment’s counts', () => {
    expect(() => read('AWS_PROFILE=production\n')).toThrow(/AWS_PROFILE in \S+some\.env has no effect/);
    expect(read('AWS_PROFILE=production\n', { AWS_PROFILE: 'staging' })).toMatchObject({ AWS_PROFILE: 'staging' });
  });
});

describe('a name', () => {
  test.each([
    ['SUPABSE_URL', 'SUPABASE_URL'],
    ['SLACK_WEBHOOK_URI', 'SLACK_WEBHOOK_URL'],
    ['DQL_ALERT_THRESHHOLD', 'DLQ_ALERT_THRESHOLD'],
    ['supabase_url', 'SUPABASE_URL'],
    ['STAG', 'STAGE'],
  ])('%s means %s', (name, meant) => {
    expect(meantName(name, SETTING_NAMES)).toBe(meant);
  });

  test.each([
    'STACK',
    'APP_URL',
    'API_URL',
    'AWS_PROFILE',
    'SLACK_WEBHOOK',
    'DATABASE_URL',
    'NODE_ENV',
    ...SETTING_NAMES,
  ])('%s means itself', (name) => {
    expect(meantName(name, SETTING_NAMES)).toBeUndefined();
  });
});
