import { type Command, InvalidArgumentError } from 'commander';

/** What a person may add to every command that works on a running system. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--local', 'work on the local system (npm run local) instead of AWS')
    .option('--json', 'print the result as JSON');
}

/** Ends a command's help with calls that work as they stand. */
export function examples(...calls: (readonly [call: string, what: string])[]): string {
  const width = Math.max(...calls.map(([call]) => call.length));
  return `\nExamples:\n${calls.map(([call, what]) => `  npx queuekeeper ${call.padEnd(width)}  ${what}`).join('\n')}\n`;
}

/** Parses the value of an option or argument. */
export function wholeNumber(most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d*$/.test(text) && Number(text) <= most) return Number(text);
    const wanted = most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${most}`;
    throw new InvalidArgumentError(`Wanted a whole number ${wanted}.`); // commander says what it is
  };
}
