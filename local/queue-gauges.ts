import type { Metrics } from './metrics.ts';

/** What SQS says of a queue besides the visible messages, which alarms look at. */
export type QueueDepth = {
  readonly name: string;
  /** Messages that a worker has received and not deleted. */
  readonly hidden: number;
  /** Age of the oldest message that waits. */
  readonly oldestSeconds: number;
};

const EVERY_MS = 5_000;

/** Writes the metrics of SQS that only charts show. */
export function startQueueGauges(depths: () => readonly QueueDepth[], metrics: Metrics): { stop(): Promise<void> } {
  const timer = setInterval(() => {
    const shared = { namespace: 'AWS/SQS', at: Date.now() };
    for (const { name: QueueName, hidden, oldestSeconds } of depths()) {
      const metric = { ...shared, dimensions: { QueueName } };
      metrics.add({ ...metric, name: 'ApproximateNumberOfMessagesNotVisible', value: hidden });
      metrics.add({ ...metric, name: 'ApproximateAgeOfOldestMessage', value: oldestSeconds });
    }
  }, EVERY_MS);
  return { stop: async () => clearInterval(timer) };
}
