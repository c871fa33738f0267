import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Context } from '../../cli/context.ts';
import { lookAtAlarms } from '../../cli/status/look.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane.ts';

let plane: ControlPlane;
let cloudwatch: CloudWatchClient;
afterEach(async () => {
  cloudwatch.destroy();
  await plane.stop();
});

/** The alarms that AWS finds by the beginning of their names, each with the topic that it tells. */
async function alarmsOf(stage: string, found: readonly [name: string, topic?: string][]) {
  const MetricAlarms = found.map(([AlarmName, topic]) => ({
    AlarmName,
    StateValue: 'OK',
    AlarmActions: topic ? [`arn:aws:sns:us-east-1:123456789012:${topic}`] : [],
  }));
  const describeAlarms = () => ({ MetricAlarms, CompositeAlarms: [] });
  plane = await startControlPlane({ 'GraniteServiceVersion20100801.DescribeAlarms': describeAlarms }, () => {});
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  cloudwatch = new CloudWatchClient({ endpoint: plane.endpoint, region: 'us-east-1', credentials });
  return lookAtAlarms({ stage, clients: { cloudwatch } as Context['clients'] });
}

describe('the alarms of a stage', () => {
  test('are those that reach its people: not another stage’s whose name begins alike, and each once', async () => {
    const alarms = await alarmsOf('prod', [
      ['queuekeeper-prod-stale-jobs', 'queuekeeper-prod-alarms'],
      ['queuekeeper-prod-api-latency'],
      ['queuekeeper-prod-alert-api-latency', 'queuekeeper-prod-alarms'],
      ['queuekeeper-prod-eu-stale-jobs', 'queuekeeper-prod-eu-alarms'],
    ]);
    expect(alarms.map(({ name }) => name)).toEqual([
      'queuekeeper-prod-stale-jobs',
      'queuekeeper-prod-alert-api-latency',
    ]);
  });

  test('are not well when there are none', async () => {
    await expect(alarmsOf('prod', [])).rejects.toThrow('the stage prod has no alarms here: is it deployed?');
  });
});
