import { styleText } from 'node:util';
import type { HistoryEvent } from './history.ts';

type Colour = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<string, Colour>> = {
  completed: 'green',
  recovered: 'cyan',
  killed: 'red',
  frozen: 'red',
  refused: 'yellow',
};

export type Tell = (subject: string, what: string, details: string) => void;

/** One line for each thing that happens, with the time since the start; colours where the terminal has them. */
export function createNarrator(write: (line: string) => void = console.log): Tell {
  const startedAt = Date.now();
  return (subject, what, details) => {
    const time = ((Date.now() - startedAt) / 1_000).toFixed(1).padStart(5);
    const coloured = styleText(COLOURS[what] ?? 'reset', what.padEnd(9), { stream: process.stdout });
    write(`${time} s  ${subject.slice(0, 28).padEnd(28)}  ${coloured}  ${details}`);
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
    failed: ['failed', String(details['error'])],
    failed_stale: ['failed', 'recovered too often'],
  };
  return words[event];
}
