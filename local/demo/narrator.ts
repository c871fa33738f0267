import { styleText } from 'node:util';
import type { HistoryEvent } from './history.ts';

type Colour = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<string, Colour>> = {
  completed: 'green',
  recovered: 'cyan',
  killed: 'red',
  frozen: 'red',
  refused: 'yellow',
  threw: 'red',
  dead: 'red',
  alert: 'yellow',
  alarm: 'yellow',
  OK: 'green',
  redrive: 'cyan',
  clear: 'green',
};

const SUBJECT_WIDTH = 28;
const WHAT_WIDTH = 9;
/** Where details begin, so that further lines of them stand below the first. */
const INDENT = ' '.repeat('  0.0 s  '.length + SUBJECT_WIDTH + WHAT_WIDTH + 4);

export type Tell = (subject: string, what: string, details: string) => void;

/** One line for each thing that happens, with the time since the start; colours where the terminal has them. */
export function createNarrator(write: (line: string) => void = console.log): Tell {
  const startedAt = Date.now();
  return (subject, what, details) => {
    const time = ((Date.now() - startedAt) / 1_000).toFixed(1).padStart(5);
    const coloured = styleText(COLOURS[what] ?? 'reset', what.padEnd(WHAT_WIDTH), { stream: process.stdout });
    const who = subject.slice(0, SUBJECT_WIDTH).padEnd(SUBJECT_WIDTH);
    write(`${time} s  ${who}  ${coloured}  ${details.replaceAll('\n', `\n${INDENT}`)}`);
  };
}

/** What an event of the history says, in words; undefined for those that a newcomer need not see. */
export function wordsOf({ event, worker_id, details }: HistoryEvent): [what: string, details: string] | undefined {
  const words: Readonly<Record<string, [string, string]>> = {
    claimed: ['claimed', `by ${worker_id}, lease ${details['lease']}`],
    completed: ['completed', `by ${worker_id}`],
    requeued_stale: ['recovered', `no sign of life from ${worker_id}; pending again, its message is sent again`],
    completion_refused: [
      'refused',
      `a late completion with lease ${details['lease']}; the lease is ${details['lease_now']} now`,
    ],
    dlq: ['dead', `received ${details['receive_count']} times in vain: its message is in the dead-letter queue`],
    failed: ['failed', String(details['error'])],
    failed_stale: ['failed', 'recovered too often'],
  };
  return words[event];
}
