import { createInterface } from 'node:readline/promises';
import { UsageError } from './exit-code.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';

export interface ConfirmOptions {
  readonly output: Pick<Output, 'isInteractive'>;
  /** The option --yes. */
  readonly yes?: boolean;
  readonly ask?: (question: string) => Promise<string>;
}

/**
 * Lets a person say no to what cannot be undone.
 * @throws UsageError where nobody can be asked and --yes is not given; Error when the answer is not yes
 */
export async function confirm(question: string, { output, yes, ask = askOnTerminal }: ConfirmOptions): Promise<void> {
  if (yes) return;
  if (!output.isInteractive) {
    throw new UsageError(`${question} There is no terminal to ask at, and nothing was done: add --yes to do it.`);
  }
  const answer = await ask(`${printable(question)} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Error('Nothing was done.');
}

/** Node rejects the question on Ctrl-C and Ctrl-D. */
async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
