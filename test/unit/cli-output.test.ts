import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createOutput } from '../../cli/output.ts';
import { printable, printableJson } from '../../cli/printable.ts';
import { textTable } from '../../cli/text-table.ts';
import { hostileText } from './hostile-text.ts';

/** Clears the screen, sets the title, rings, by both sets of controls; turns the direction of text; ends the line. */
const HOSTILE = '\u001b[2J\u001b]0;owned\u0007\u009b2J\u202egnp.exe\u2028\u007f\r\nnext';

/** Whatever a terminal would obey, but for the line ends that are ours. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

function stream(isTTY = false) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => written.push(text) };
}

describe('what is printed', () => {
  test('shows orders to the terminal as text, and follows none', () => {
    expect(printable(HOSTILE)).toBe('\\x1b[2J\\x1b]0;owned\\x07\\x9b2J\\u202egnp.exe\\u2028\\x7f\\x0d\\x0anext');
  });

  test('leaves other text alone, of every script', () => {
    const text = 'Müller 株式会社 – “ok” 🚨 مرحبا';
    expect(printable(text)).toBe(text);
  });

  test('never orders a terminal about, whatever the text, and loses none of it as JSON', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(printable(text)).not.toMatch(OBEYED);
        const json = printableJson({ text });
        expect(json.split('\n').join('')).not.toMatch(OBEYED);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  test('is JSON that reads back as it was, without an order in it', () => {
    const json = printableJson({ error: HOSTILE, list: ['ok'] });
    expect(json.split('\n').join('')).not.toMatch(OBEYED);
    expect(JSON.parse(json)).toEqual({ error: HOSTILE, list: ['ok'] });
  });

  test('obeys nothing in any of the ways out', () => {
    const [stdout, stderr] = [stream(), stream(true)];
    const output = createOutput({ isJson: false, stdout, stderr });
    output.result({}, HOSTILE);
    output.line(HOSTILE);
    output.note(HOSTILE);
    expect([...stdout.written, ...stderr.written].join('').replaceAll('\n', '')).not.toMatch(OBEYED);
    output.status(HOSTILE);
    expect(stderr.written.at(-1)).toBe(`\r\u001b[2K${printable(HOSTILE)}`);
  });

  test('is with --json one document on stdout and nothing else', () => {
    const [stdout, stderr] = [stream(), stream()];
    const output = createOutput({ isJson: true, stdout, stderr });
    output.line('✓ Slack: delivered');
    output.note('Interrupted');
    output.result({ is_well: true }, 'text');
    expect(stdout.written).toEqual(['{\n  "is_well": true\n}\n']);
    expect(stderr.written).toEqual(['Interrupted\n']);
  });

  test('can ask only where both the question and the answer have a terminal', () => {
    const isInteractive = (stdin: boolean, stderr: boolean) =>
      createOutput({ isJson: false, stdout: stream(), stderr: stream(stderr), stdin: { isTTY: stdin } }).isInteractive;
    expect([isInteractive(true, true), isInteractive(false, true), isInteractive(true, false)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a table', () => {
  test('has its columns in line, a dash for what is absent, and no blanks at the ends of lines', () => {
    expect(
      textTable(
        ['JOB', 'WORKER', 'N'],
        [
          ['a', null, 1],
          ['bbbb', 'w-1', undefined],
        ],
      ),
    ).toBe(['JOB   WORKER  N', 'a     –       1', 'bbbb  w-1     –'].join('\n'));
  });

  test('cuts a long cell, and keeps a cell with line ends in its row', () => {
    const table = textTable(['ERROR'], [['x'.repeat(61)], ['one\ntwo']]);
    expect(table.split('\n')).toEqual(['ERROR', `${'x'.repeat(59)}…`, 'one\\x0atwo']);
  });
});
