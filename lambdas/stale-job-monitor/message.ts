import type { MessageAttributeValue, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';

/** A row of take_dispatches(): a message that must be sent for a job. */
export interface Dispatch {
  readonly dispatch_id: number;
  readonly job_id: string;
  readonly customer_id: string;
  readonly package_size: number | null;
  readonly priority_level: number | null;
  readonly retry_attempt: number;
  readonly lease: number;
  readonly requeued_by: string;
  readonly delay_seconds: number;
}

/** The product's default, for an older row without one. */
const DEFAULT_PRIORITY = 3;
/** SQS takes no longer delay. */
export const MAX_DELAY_SECONDS = 900;
/** A run that sends more than this many is a mass recovery: workers must not all start at the same moment. */
const UNSPREAD_MESSAGES = 50;
const SPREAD_PER_SECOND = 20;

/** The message of a recovered job, as existing workers read it. */
export function toEntry(
  dispatch: Dispatch,
  { now, isFifo, spreadSeconds }: EntryOptions,
): SendMessageBatchRequestEntry {
  const body = {
    job_id: dispatch.job_id,
    customer_id: dispatch.customer_id,
    package_size: dispatch.package_size,
    priority: dispatch.priority_level ?? DEFAULT_PRIORITY,
    retry_attempt: dispatch.retry_attempt,
    requeued_by: dispatch.requeued_by,
    requeued_at: now.toISOString(),
    lease: dispatch.lease,
  };
  return {
    Id: String(dispatch.dispatch_id),
    MessageBody: asciiJson(body),
    MessageAttributes: {
      priority: attribute('Number', String(body.priority)),
      retry: attribute('String', 'true'),
    },
    // A FIFO queue takes no delay for one message; its order and its five minutes of deduplication hold per job.
    ...(isFifo
      ? { MessageGroupId: dispatch.job_id, MessageDeduplicationId: `${dispatch.job_id}:${dispatch.lease}` }
      : { DelaySeconds: Math.min(MAX_DELAY_SECONDS, dispatch.delay_seconds + spreadSeconds) }),
  };
}

interface EntryOptions {
  readonly now: Date;
  readonly isFifo: boolean;
  readonly spreadSeconds: number;
}

/**
 * Seconds to hold back the message number `index` of a run: none for the first 50, then a random part of the time in
 * which 20 a second would have reached it.
 * @param random from 0 up to, not including, 1
 */
export function spreadSeconds(index: number, random: number): number {
  return index < UNSPREAD_MESSAGES ? 0 : Math.floor((random * index) / SPREAD_PER_SECOND);
}

/** SQS refuses some characters that Postgres and JSON allow (U+FFFE, say); escaped, every text is a legal body. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function attribute(DataType: 'Number' | 'String', StringValue: string): MessageAttributeValue {
  return { DataType, StringValue };
}
