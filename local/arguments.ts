import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run local [-- [--port PORT] [--keep]]

  --port PORT  where the API listens, 0 for any free port (default 3000)
  --keep       keep data, messages and keys in .local/data between starts
  --help       print this`;

/** The command line makes no sense; the message says how it would. */
export class UsageError extends Error {}

const OPTIONS = {
  port: { type: 'string', default: '3000' },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @throws UsageError */
export function readArguments(args: string[]): { port: number; keep: boolean; help: boolean } {
  const { port: text, keep, help } = parse(args);
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return { port, keep, help };
  throw new UsageError(`--port is ${text}, wanted a number from 0 to 65535.\n${USAGE}`);
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n${USAGE}`, { cause });
  }
}
