import { printable, printableJson, printableLines } from './printable.ts';

/** The two streams of a command: its result for a person or a program, and what is going on meanwhile. */
export interface Output {
  readonly isJson: boolean;
  /** True where somebody can answer a question. */
  readonly isInteractive: boolean;
  /** The result, on stdout: with --json the value, else the text. Once per command. */
  result(value: unknown, text: string): void;
  /** A part of a text that comes bit by bit, on stdout; with --json nothing, for the result says it all. */
  line(text: string): void;
  /** What is going on, on stderr. */
  note(text: string): void;
  /** A line on stderr that the next one takes the place of; undefined takes it away. Only on a terminal. */
  status(text: string | undefined): void;
  /** True where `status` shows something. */
  readonly hasStatus: boolean;
}

export interface OutputOptions {
  readonly isJson: boolean;
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  readonly stdin?: { readonly isTTY?: boolean };
}

type Stream = { readonly isTTY?: boolean; write(text: string): unknown };

const TAKE_LINE_AWAY = '\r\x1b[2K';

/** All that is printed goes through here, so that no text of somebody else's can give a terminal orders. */
export function createOutput(options: OutputOptions): Output {
  const { isJson, stdout = process.stdout, stderr = process.stderr, stdin = process.stdin } = options;
  const hasStatus = stderr.isTTY === true;
  let isShowingStatus = false;
  const status = (text: string | undefined) => {
    if (!hasStatus || !(text || isShowingStatus)) return;
    stderr.write(text ? `${TAKE_LINE_AWAY}${printable(text)}` : TAKE_LINE_AWAY);
    isShowingStatus = Boolean(text);
  };
  return {
    isJson,
    isInteractive: stdin.isTTY === true && hasStatus,
    hasStatus,
    result(value, text) {
      status(undefined);
      stdout.write(`${isJson ? printableJson(value) : printableLines(text)}\n`);
    },
    line(text) {
      status(undefined);
      if (!isJson) stdout.write(`${printableLines(text)}\n`);
    },
    note(text) {
      status(undefined);
      stderr.write(`${printableLines(text)}\n`);
    },
    status,
  };
}
