import { startTestCluster, type TestCluster } from './test-cluster.ts';

declare global {
  /** How the teardown finds what the setup started. */
  var testCluster: TestCluster | undefined;
}

export default async function setup(): Promise<void> {
  globalThis.testCluster = await startTestCluster();
}
