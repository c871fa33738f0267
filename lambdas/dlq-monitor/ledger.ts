import { type Database, DatabaseError } from '../shared/database.ts';
import type { OpenLetter } from '../shared/open-letter.ts';
import type { Letter } from './letter.ts';
import type { DeadLetter } from './message-parts.ts';

/** What the database knows of dead letters. */
export interface Ledger {
  /** @throws when the database does not answer */
  record(letters: Letter[]): Promise<Recorded>;
  /** Those that are still in the queue, the first to expire first. */
  open(): Promise<DeadLetter[]>;
  /** Takes those that are not there any more for gone. Answers all that left since then. */
  clear(stillThere: string[], redriven: number | undefined, since: Date): Promise<Cleared>;
}

export interface Recorded {
  /** Letters that were not known before. */
  readonly newCount: number;
  /** Letters that the database refuses, with the reason. */
  readonly refused: string[];
  /** Letters that are recorded, but whose job could not be marked, with the reason. */
  readonly unmarked: string[];
}

/** How many left the queue in which way; those that expired are lost, and so have names. */
export type Cleared = { redriven: number; deleted: number; unknown: number; expired: DeadLetter[] };

interface Row extends OpenLetter {
  readonly job_type: string | null;
  readonly first_seen_at: string;
}

interface RecordedRow {
  readonly message_id: string;
  readonly is_new: boolean;
  readonly job_error: string | null;
}

/** Letters recorded together must fit a request; a body can have 1 MiB. */
const LARGEST_REQUEST = 1_000_000;

export function openLedger(database: Database, queueName: string): Ledger {
  const recordTogether = async (letters: Letter[]): Promise<Recorded> => {
    const rows = await database.call<RecordedRow[]>('record_dead_letters', { queue_name: queueName, letters });
    return {
      newCount: rows.filter((row) => row.is_new).length,
      refused: [],
      unmarked: rows.filter((row) => row.job_error).map((row) => `${row.message_id}: ${row.job_error}`),
    };
  };
  return {
    async record(letters) {
      const size = letters.reduce((sum, { body }) => sum + body.length, 0);
      if (size <= LARGEST_REQUEST || letters.length === 1) {
        try {
          return await recordTogether(letters);
        } catch (error) {
          if (!(error instanceof DatabaseError) || error.isUnavailable) throw error;
          const [letter] = letters;
          if (letters.length === 1) {
            return { newCount: 0, refused: [`${letter?.message_id}: ${error.message}`], unmarked: [] };
          }
        }
      }
      // One bad letter must not keep the others out.
      const each: Recorded[] = [];
      for (const letter of letters) each.push(await this.record([letter]));
      return {
        newCount: each.reduce((sum, { newCount }) => sum + newCount, 0),
        refused: each.flatMap(({ refused }) => refused),
        unmarked: each.flatMap(({ unmarked }) => unmarked),
      };
    },
    open: async () => (await database.call<Row[]>('open_dead_letters', { queue_name: queueName })).map(toDeadLetter),
    async clear(stillThere, redriven, since) {
      const cleared = await database.call<Omit<Cleared, 'expired'> & { expired: Row[] }>('clear_dead_letters', {
        queue_name: queueName,
        still_there: stillThere,
        redriven_count: redriven ?? null,
        since: since.toISOString(),
      });
      return { ...cleared, expired: cleared.expired.map(toDeadLetter) };
    },
  };
}

function toDeadLetter(row: Row): DeadLetter {
  return {
    messageId: row.message_id,
    jobId: row.job_id ?? undefined,
    customerId: row.customer_id ?? undefined,
    jobType: row.job_type ?? undefined,
    reason: row.reason,
    receiveCount: row.receive_count,
    sentAt: new Date(row.sent_at),
    expiresAt: new Date(row.expires_at),
    firstSeenAt: new Date(row.first_seen_at),
  };
}

/** The same from the letter alone, for an alert while the database does not answer. */
export function deadLetterOf(letter: Letter, now: Date): DeadLetter {
  return {
    messageId: letter.message_id,
    jobId: letter.job_id,
    customerId: letter.customer_id,
    reason: letter.reason,
    receiveCount: letter.receive_count,
    sentAt: new Date(letter.sent_at),
    expiresAt: new Date(letter.expires_at),
    firstSeenAt: now,
  };
}
