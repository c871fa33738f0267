/**
 * What SQS does about a client that is gone, and fauxqs 2.4.1 does not: a killed worker's long poll would take the next
 * message and hide it from the living ones.
 */
import type { buildApp } from 'fauxqs';
import type { FauxStore } from './fauxqs.ts';

type App = ReturnType<typeof buildApp>;

export function giveBackWhatNobodyReceived(app: App, store: FauxStore): void {
  app.addHook('onSend', async (request, _reply, payload) => {
    if (!request.raw.socket.destroyed || typeof payload !== 'string') return payload;
    if (request.headers['x-amz-target'] !== 'AmazonSQS.ReceiveMessage' || !request.body) return payload;
    const queue = store.getQueue((request.body as { QueueUrl: string }).QueueUrl);
    const { Messages = [] }: { Messages?: { ReceiptHandle: string }[] } = JSON.parse(payload);
    for (const { ReceiptHandle } of Messages) {
      const held = queue?.inflightMessages.get(ReceiptHandle);
      if (held) held.message.approximateReceiveCount -= 1;
      queue?.changeVisibility(ReceiptHandle, 0);
    }
    return payload;
  });
}
