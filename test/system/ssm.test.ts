import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Ssm, startSsm } from '../../local/ssm.ts';

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

const get = async (Name: string, WithDecryption = true) =>
  (await client.send(new GetParameterCommand({ Name, WithDecryption }))).Parameter;

it('gives a secret in the clear only when decryption is asked for', async () => {
  ssm.set('/key', 'secret');
  expect(await get('/key')).toMatchObject({ Value: 'secret', Type: 'SecureString', Version: 1 });
  expect((await get('/key', false))?.Value).not.toContain('secret');
});

it('counts versions, and overwrites only when told to', async () => {
  const put = (Value: string, Overwrite: boolean) =>
    client.send(new PutParameterCommand({ Name: '/counted', Value, Type: 'SecureString', Overwrite }));
  expect((await put('1', false)).Version).toBe(1);
  await expect(put('2', false)).rejects.toMatchObject({ name: 'ParameterAlreadyExists' });
  expect((await put('3', true)).Version).toBe(2);
  expect(await get('/counted')).toMatchObject({ Value: '3' });
});

it('does not know a parameter that was deleted', async () => {
  ssm.set('/gone', 'x');
  await client.send(new DeleteParameterCommand({ Name: '/gone' }));
  await expect(get('/gone')).rejects.toMatchObject({ name: 'ParameterNotFound' });
});

it('drops connections while it is down', async () => {
  ssm.set('/key', 'secret');
  ssm.setDown(true);
  await expect(get('/key')).rejects.toThrow();
  ssm.setDown(false);
  expect(await get('/key')).toMatchObject({ Value: 'secret' });
});
