import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectStateStore, type State } from '../../lambdas/dlq-monitor/state-store.ts';
import { type Ssm, startSsm } from '../../local/ssm.ts';
import { MINUTE, NOW } from './dead-letter-builders.ts';

let ssm: Ssm;
let name: string;
let names = 0;
const clients: SSMClient[] = [];

beforeAll(async () => {
  ssm = await startSsm();
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await ssm.stop();
});
beforeEach(() => {
  ssm.setDown(false);
  names += 1;
  name = `/state-${names}`;
});

function aClient(maxAttempts = 1) {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SSMClient({ endpoint: ssm.endpoint, region: 'us-east-1', credentials, maxAttempts });
  clients.push(client);
  return client;
}
/** What one process has. */
const aStore = () => connectStateStore(aClient(), name);
const later = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE);
const aState = (minutes: number): State => ({ writtenAt: later(minutes).toISOString() });
const stored = async (Name: string) => (await aClient().send(new GetParameterCommand({ Name }))).Parameter?.Value;

describe('the lock', () => {
  test('is had by one of two that come at once', async () => {
    const both = await Promise.all([aStore().lock(NOW, later(2)), aStore().lock(NOW, later(2))]);
    expect(both.sort()).toEqual([false, true]);
  });

  test('is free again once it is given back', async () => {
    const store = aStore();
    await store.lock(NOW, later(2));
    await store.unlock();
    expect(await aStore().lock(NOW, later(2))).toBe(true);
  });

  test.each([
    ['a moment before its run must have ended', later(2).getTime() - 1, false],
    ['at the moment when its run must have ended', later(2).getTime(), true],
  ])('of a run that died is %s taken over: %s', async (_when, at, isTaken) => {
    await aStore().lock(NOW, later(2));
    expect(await aStore().lock(new Date(at), later(7))).toBe(isTaken);
  });

  test('that nobody can read as a time is taken over', async () => {
    await aClient().send(new PutParameterCommand({ Name: `${name}-lock`, Value: 'garbage', Type: 'String' }));
    expect(await aStore().lock(NOW, later(2))).toBe(true);
  });

  test('may be given back twice', async () => {
    await expect(aStore().unlock()).resolves.toBeUndefined();
  });

  test('is ours when SSM had taken it and only its answer was lost', async () => {
    const client = aClient(3);
    let isLost = false;
    client.middlewareStack.add(
      (next) => async (request) => {
        const answer = await next(request);
        if (isLost) return answer;
        isLost = true;
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $retryable: {} });
      },
      { step: 'deserialize', priority: 'low' },
    );
    expect(await connectStateStore(client, name).lock(NOW, later(2))).toBe(true);
    expect(await aStore().lock(NOW, later(2))).toBe(false);
  });

  test('throws while SSM does not answer', async () => {
    ssm.setDown(true);
    await expect(aStore().lock(NOW, later(2))).rejects.toThrow();
  });
});

describe('the state', () => {
  test('is absent at first', async () => {
    expect(await aStore().read()).toBeUndefined();
    expect(aStore().remembered()).toBeUndefined();
  });

  test('is what another process wrote', async () => {
    await aStore().write(aState(1));
    expect(await aStore().read()).toEqual(aState(1));
  });

  test('fits a parameter of the free tier', async () => {
    const at = NOW.toISOString();
    const incident = { since: at, alertedAt: at, depth: 999_999, peak: 999_999, untold: 999_999, emptyReadings: 1 };
    const look = { depth: 999_999, visible: 999_999, redriven: 999_999, isRecorded: false, isWhole: false };
    await aStore().write({ incident, look, writtenAt: at });
    expect((await stored(name))?.length).toBeLessThan(4_096);
  });

  test('is the newer of the two when this process could not write its own', async () => {
    const store = aStore();
    await store.write(aState(1));
    ssm.setDown(true);
    await expect(store.write(aState(2))).rejects.toThrow();
    expect(store.remembered()).toEqual(aState(2));
    ssm.setDown(false);
    expect(await store.read()).toEqual(aState(2));
  });

  test('is that of another process when that wrote last', async () => {
    const store = aStore();
    await store.write(aState(1));
    await aStore().write(aState(2));
    expect(await store.read()).toEqual(aState(2));
  });

  test('is what this process remembers when the parameter was deleted', async () => {
    const store = aStore();
    await store.write(aState(1));
    ssm.delete(name);
    expect(await store.read()).toEqual(aState(1));
  });

  test('cannot be read while SSM does not answer, nor when it is not JSON', async () => {
    const store = aStore();
    ssm.setDown(true);
    await expect(store.read()).rejects.toThrow();
    ssm.setDown(false);
    await aClient().send(new PutParameterCommand({ Name: name, Value: 'garbage', Type: 'String' }));
    await expect(store.read()).rejects.toThrow();
  });
});
