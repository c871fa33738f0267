import { describeDuration } from '../../lambdas/shared/duration.ts';
import type { OpenLetter } from '../../lambdas/shared/open-letter.ts';
import { textTable } from '../text-table.ts';

export interface LetterList {
  readonly queue: string;
  /** What SQS counts, whether recorded or not. */
  readonly in_queue: number;
  readonly dead_letters: readonly OpenLetter[];
}

const HEADINGS = ['MESSAGE', 'JOB', 'CUSTOMER', 'ATTEMPTS', 'AGE', 'EXPIRES IN', 'CAUSE'];

/** @param most so many were asked for; when as many came, there may be more */
export function lettersText({ queue, in_queue: inQueue, dead_letters: letters }: LetterList, now: Date, most: number) {
  if (letters.length === 0 && inQueue === 0) return `No dead letters in ${queue}.`;
  const rows = letters.map((letter) => [
    letter.message_id,
    letter.job_id,
    letter.customer_id,
    letter.receive_count,
    describeDuration(now.getTime() - Date.parse(letter.sent_at)),
    describeDuration(Date.parse(letter.expires_at) - now.getTime()),
    letter.reason,
  ]);
  const notes = [
    `${inQueue} in ${queue}, as SQS counts; ${letters.length}${letters.length === most ? ' or more' : ''} recorded.`,
    ...(inQueue > letters.length && letters.length < most
      ? ['Those that are missing here were not recorded yet: npx queuekeeper dlq record']
      : []),
    ...(inQueue < letters.length ? ['Some have just left the queue; the dlq-monitor will note that.'] : []),
  ];
  return [...(rows.length > 0 ? [textTable(HEADINGS, rows), ''] : []), ...notes].join('\n');
}
