import type { Database } from '../shared/database.ts';
import type { Queue } from '../shared/queue.ts';
import { type Dispatch, spreadSeconds, toEntry } from './message.ts';

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
  /** What is left of the run: no page is begun without it, and no taken message is held longer. */
  readonly remainingMs: () => number;
}

export interface DispatchReport {
  sent: number;
  refused: Refusal[];
}

interface Refusal {
  readonly dispatch_id: number;
  readonly error: string;
}

/**
 * Sends the messages that must be sent and marks those that SQS acknowledged, page after page. What SQS refused stays
 * held until the end, so that this run does not ask again, and is then pending for the next.
 */
export async function sendPending(options: DispatchOptions): Promise<DispatchReport> {
  const report: DispatchReport = { sent: 0, refused: [] };
  try {
    while (options.remainingMs() > 0) {
      const page = await options.database.call<Dispatch[]>('take_dispatches', {
        batch_limit: PAGE,
        hold_seconds: Math.max(1, Math.ceil(options.remainingMs() / 1000)),
      });
      const { sent, refused } = await sendPage(page, report.sent, options);
      report.refused.push(...refused);
      if (sent.length > 0) await options.database.call('mark_dispatches', { sent });
      report.sent += sent.length;
      if (page.length < PAGE || sent.length === 0) break;
    }
  } finally {
    if (report.refused.length > 0)
      await options.database.call('mark_dispatches', { sent: [], refused: report.refused });
  }
  return report;
}

async function sendPage(page: Dispatch[], alreadySent: number, { queue, now, random }: DispatchOptions) {
  const sent: { dispatch_id: number; message_id: string }[] = [];
  const refused: Refusal[] = [];
  const calls = Array.from({ length: Math.ceil(page.length / MESSAGES_PER_CALL) }, (_, call) =>
    page.slice(call * MESSAGES_PER_CALL, (call + 1) * MESSAGES_PER_CALL).map((dispatch, index) =>
      toEntry(dispatch, {
        now,
        isFifo: queue.isFifo,
        spreadSeconds: spreadSeconds(alreadySent + call * MESSAGES_PER_CALL + index, random()),
      }),
    ),
  );
  const sendCalls = async () => {
    for (let entries = calls.shift(); entries; entries = calls.shift()) {
      for (const { id, messageId, error } of await queue.sendBatch(entries)) {
        const dispatch_id = Number(id);
        if (messageId) sent.push({ dispatch_id, message_id: messageId });
        else refused.push({ dispatch_id, error: error ?? 'no answer' });
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, sendCalls));
  return { sent, refused };
}
