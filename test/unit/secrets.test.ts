import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Secrets, secretsFromSsm } from '../../lambdas/shared/secrets.ts';
import { type Ssm, startSsm } from '../../local/ssm.ts';

const NAME = '/queuekeeper/test/supabase-service-key';
const MAX_AGE_MS = 300_000;

let ssm: Ssm;
let secrets: Secrets;
let warnings: string[];

beforeAll(async () => {
  ssm = await startSsm();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
});
afterAll(() => ssm.stop());

beforeEach(() => {
  jest.restoreAllMocks();
  ssm.setDown(false);
  ssm.set(NAME, 'first');
  warnings = [];
  secrets = secretsFromSsm((message) => warnings.push(message));
});

/** Lets time pass for who reads the clock; timers are left alone. */
function later(ms: number): void {
  const now = Date.now() + ms;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
}

describe('a secret', () => {
  test('is read in the clear', async () => {
    expect(await secrets.read(NAME)).toBe('first');
  });

  test('is at most 5 minutes old', async () => {
    await secrets.read(NAME);
    ssm.set(NAME, 'second');
    later(MAX_AGE_MS - 1_000);
    expect(await secrets.read(NAME)).toBe('first');
    later(2_000);
    expect(await secrets.read(NAME)).toBe('second');
  });

  test('can be read past the cache, and is then known to all readers', async () => {
    await secrets.read(NAME);
    ssm.set(NAME, 'second');
    expect(await secrets.readAgain(NAME)).toBe('second');
    expect(await secrets.read(NAME)).toBe('second');
  });

  test('has its last known value while SSM does not answer, with a warning that names it and does not show it', async () => {
    await secrets.read(NAME);
    ssm.setDown(true);
    later(MAX_AGE_MS + 1_000);
    expect(await secrets.read(NAME)).toBe('first');
    expect(warnings).toEqual([`SSM does not answer, going on with the last known value of ${NAME}`]);
  });

  test('is read afresh as soon as SSM answers again', async () => {
    await secrets.read(NAME);
    ssm.setDown(true);
    later(MAX_AGE_MS + 1_000);
    await secrets.read(NAME);
    ssm.setDown(false);
    ssm.set(NAME, 'second');
    expect(await secrets.read(NAME)).toBe('second');
  });

  test('is read afresh only after the pause, for who asked for one', async () => {
    const pausing = secretsFromSsm((message) => warnings.push(message), { pauseMs: 10_000 });
    await pausing.read(NAME);
    ssm.setDown(true);
    later(MAX_AGE_MS + 1_000);
    await pausing.read(NAME);
    ssm.setDown(false);
    ssm.set(NAME, 'second');
    later(9_000);
    expect(await pausing.read(NAME)).toBe('first');
    expect(warnings).toHaveLength(1);
    later(2_000);
    expect(await pausing.read(NAME)).toBe('second');
  });

  test('has its last known value for who cannot wait until a slow SSM has failed', async () => {
    const hasty = secretsFromSsm(() => {}, { patienceMs: 50 });
    await hasty.read(NAME);
    ssm.setDown('hang');
    later(MAX_AGE_MS + 1_000);
    const startedAt = performance.now();
    expect(await hasty.read(NAME)).toBe('first');
    expect(performance.now() - startedAt).toBeLessThan(2_500); // two tries of 3 s, without it
  });

  test('that was never read is waited for', async () => {
    const hasty = secretsFromSsm(() => {}, { patienceMs: 0 });
    expect(await hasty.read(NAME)).toBe('first');
  });

  test('that was never read is an error that names it while SSM does not answer', async () => {
    ssm.setDown(true);
    await expect(secrets.read(NAME)).rejects.toThrow(`cannot read the secret ${NAME} from SSM: `);
  });

  test('that is not there is an error that names it', async () => {
    await expect(secrets.read('/nothing')).rejects.toThrow(
      'cannot read the secret /nothing from SSM: Parameter /nothing not found.',
    );
  });

  test('that is not there is looked for again only after the pause, for who asked for one', async () => {
    const pausing = secretsFromSsm(() => {}, { pauseMs: 10_000 });
    await expect(pausing.read('/later')).rejects.toThrow('/later');
    ssm.set('/later', 'here');
    later(9_000);
    await expect(pausing.read('/later')).rejects.toThrow('Parameter /later not found.');
    later(2_000);
    expect(await pausing.read('/later')).toBe('here');
  });

  test('that was deleted is an error, although a value was known: it was taken away on purpose', async () => {
    await secrets.read(NAME);
    ssm.delete(NAME);
    await expect(secrets.readAgain(NAME)).rejects.toThrow(`cannot read the secret ${NAME} from SSM: `);
    expect(warnings).toEqual([]);
  });

  test('that is empty is an error', async () => {
    ssm.set(NAME, '');
    await expect(secrets.read(NAME)).rejects.toThrow(`cannot read the secret ${NAME} from SSM: it is empty`);
  });
});
