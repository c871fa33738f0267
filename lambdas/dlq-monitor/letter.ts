import type { Message } from '@aws-sdk/client-sqs';

/** A dead letter as record_dead_letters() takes it. What the message does not say is absent. */
export type Letter = {
  message_id: string;
  body: string;
  receive_count: number;
  sent_at: string;
  expires_at: string;
  job_id?: string;
  customer_id?: string;
  lease?: number;
  source_queue?: string;
  reason?: string;
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Where producers and workers commonly leave the error, in the body or in the message's attributes. */
const REASONS = ['error_message', 'error', 'reason', 'ErrorMessage'];
const LONGEST = { customer: 200, reason: 1000 };

/**
 * Reads a message whatever is in it: a body that is not JSON, is huge or names no job makes a letter all the same.
 * @param retentionSeconds of the dead-letter queue: expiry runs from the first sending, not from the move
 */
export function toLetter(message: Message, retentionSeconds: number, now: Date): Letter {
  const { MessageId: message_id = '', Body: body = '', Attributes = {}, MessageAttributes = {} } = message;
  const fields = parseObject(body);
  const sentAt = Number(Attributes['SentTimestamp']) || now.getTime();
  const jobId = fields['job_id'];
  const lease = fields['lease'];
  const reason =
    REASONS.map((name) => textOf(fields[name], LONGEST.reason)).find(Boolean) ??
    REASONS.map((name) => textOf(MessageAttributes[name]?.StringValue, LONGEST.reason)).find(Boolean);
  return {
    message_id,
    body: storable(body),
    // This look at it was a receive, too.
    receive_count: Math.max(1, Number(Attributes['ApproximateReceiveCount'] ?? 1) - 1),
    sent_at: new Date(sentAt).toISOString(),
    expires_at: new Date(sentAt + retentionSeconds * 1000).toISOString(),
    job_id: typeof jobId === 'string' && UUID.test(jobId) ? jobId : undefined,
    customer_id: textOf(fields['customer_id'], LONGEST.customer),
    lease: Number.isSafeInteger(lease) ? (lease as number) : undefined,
    source_queue: Attributes['DeadLetterQueueSourceArn']?.split(':').at(-1),
    reason,
  };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown, longest: number): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return storable(String(value).slice(0, longest)) || undefined;
}

/** Postgres keeps neither NUL nor half of a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
