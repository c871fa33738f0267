import { expect, test } from '@jest/globals';
import { bundle, entryOf, functionNames } from '../../bench/bundle.ts';

/** What a function may have of the AWS SDK, most of a cold start. One that is not named has nothing of it. */
const SDK_CLIENTS: Record<string, string[]> = {
  'dashboard-action': ['@aws-sdk/client-sqs'],
  'dashboard-widget': ['@aws-sdk/client-sqs'],
  'dlq-monitor': ['@aws-sdk/client-sqs', '@aws-sdk/client-ssm'],
  'stale-job-monitor': ['@aws-sdk/client-sqs'],
};

async function sdkPackagesOf(name: string): Promise<string[]> {
  const { packages } = await bundle({ entry: entryOf(name), outfile: `${name}.mjs`, write: false });
  return [...packages.keys()].filter((one) => /^@(aws-sdk|smithy)\//.test(one)).toSorted();
}

test('the functions of the API are looked at', () => {
  expect(functionNames()).toEqual(expect.arrayContaining(['health', 'queue-status']));
});

test.each(functionNames())('the bundle of %s holds no AWS SDK client that it does not need', async (name) => {
  const packages = await sdkPackagesOf(name);
  const clients = packages.filter((one) => one.startsWith('@aws-sdk/client-'));
  expect(clients).toEqual(SDK_CLIENTS[name] ?? []);
  // Its credentials and its core come with the first client; without a client there is no reason for them.
  if (clients.length === 0) expect(packages).toEqual([]);
});
