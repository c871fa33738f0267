import type { Database } from '../shared/database.ts';
import type { Queue } from '../shared/queue.ts';
import { type Dispatch, MAX_DELAY_SECONDS, spreadSeconds, toEntry } from './message.ts';

/** SQS takes ten messages a call. */
const MESSAGES_PER_CALL = 10;
const CALLS_AT_A_TIME = 5;
/** Messages taken, sent and marked together: as many can be sent twice when a run dies before it marks them. */
const PAGE = 200;

export interface DispatchOptions {
  readonly database: Database;
  readonly queue: Queue;
  readonly now: Date;
  readonly random: () => number;
  /** What is left of the run: no page and no call to SQS is begun without it, and no message is held longer. */
  readonly remainingMs: () => number;
}

/** Filled as the work goes on, so that what was done before an error is told as well. */
export interface DispatchReport {
  sent: number;
  refused: Refusal[];
}

interface Sent {
  readonly dispatch_id: number;
  /** Marks only the message that was sent: by now the job may need another one, under a newer lease. */
  readonly lease: number;
  readonly message_id: string;
}

interface Refusal {
  readonly dispatch_id: number;
  readonly lease: number;
  readonly error: string;
}

/**
 * Sends the messages that must be sent and marks those that SQS acknowledged, page after page. What SQS refused stays
 * held until the end, so that this run does not ask again, and is then pending for the next.
 */
export async function sendPending(options: DispatchOptions, report: DispatchReport): Promise<void> {
  const { database, queue, remainingMs } = options;
  try {
    while (remainingMs() > 0) {
      const page = await database.call<Dispatch[]>('take_dispatches', {
        batch_limit: PAGE,
        hold_seconds: Math.max(1, Math.ceil(remainingMs() / 1000)),
        look_ahead_seconds: queue.isFifo ? 0 : MAX_DELAY_SECONDS,
      });
      const { sent, refused } = await sendPage(page, report.sent, options);
      report.refused.push(...refused);
      report.sent += sent.length;
      if (sent.length > 0) await database.call('mark_dispatches', { sent });
      // A short page is not the last one: dispatches of jobs that moved on are left out of it.
      if (sent.length === 0) break;
    }
  } finally {
    if (report.refused.length > 0) await database.call('mark_dispatches', { sent: [], refused: report.refused });
  }
}

/** What there was no time for is in neither list: it stays held until this run is over. */
async function sendPage(page: Dispatch[], alreadySent: number, options: DispatchOptions) {
  const { queue, now, random, remainingMs } = options;
  const sent: Sent[] = [];
  const refused: Refusal[] = [];
  const leases = new Map(page.map(({ dispatch_id, lease }) => [String(dispatch_id), lease]));
  const entries = page.map((dispatch, index) =>
    toEntry(dispatch, { now, isFifo: queue.isFifo, spreadSeconds: spreadSeconds(alreadySent + index, random()) }),
  );
  const sendCalls = async () => {
    while (entries.length > 0 && remainingMs() > 0) {
      for (const { id, messageId, error } of await queue.sendBatch(entries.splice(0, MESSAGES_PER_CALL))) {
        const dispatch = { dispatch_id: Number(id), lease: leases.get(id) as number };
        if (messageId) sent.push({ ...dispatch, message_id: messageId });
        else refused.push({ ...dispatch, error: error ?? 'no answer' });
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, sendCalls));
  return { sent, refused };
}
