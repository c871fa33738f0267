/** Requests that SQS refuses and fauxqs 2.4.1 lets pass. */
import { deadLetterTargetOf } from './dead-letters.ts';
import type { FauxStore } from './fauxqs.ts';
import { SqsError } from './sqs-error.ts';

const PURGE_PAUSE_MS = 60_000;

type QueueAttributes = { Attributes?: { RedrivePolicy?: string } };

/** A check for each action; it throws what SQS would answer. */
export function strictChecks(store: FauxStore) {
  const purgedAt = new Map<string, number>();
  const redriveTargetExists = ({ Attributes }: QueueAttributes) => {
    const target = deadLetterTargetOf(Attributes?.RedrivePolicy);
    if (!target || store.getQueueByArn(target)) return;
    throw new SqsError(
      'InvalidParameterValue',
      `Value ${Attributes?.RedrivePolicy} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.`,
    );
  };
  return {
    CreateQueue: redriveTargetExists,
    SetQueueAttributes: redriveTargetExists,
    PurgeQueue({ QueueUrl }: { QueueUrl: string }) {
      if (Date.now() - (purgedAt.get(QueueUrl) ?? 0) < PURGE_PAUSE_MS) {
        const reason = 'Only one PurgeQueue operation on this queue is allowed every 60 seconds.';
        throw new SqsError('PurgeQueueInProgress', reason);
      }
      purgedAt.set(QueueUrl, Date.now());
    },
  };
}
