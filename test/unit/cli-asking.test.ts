import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { confirm } from '../../cli/confirm.ts';
import { UsageError } from '../../cli/exit-code.ts';
import { withProgress } from '../../cli/progress.ts';

/** By the clock that the tests move. */
const sleep = <T>(ms: number, value?: T) => new Promise((resolve) => setTimeout(() => resolve(value), ms));

const TERMINAL = { isInteractive: true };
const PIPE = { isInteractive: false };

describe('a question before what cannot be undone', () => {
  test.each(['y', 'Y', 'yes', ' yes '])('is answered with yes by %j', async (answer) => {
    await confirm('Revoke?', { output: TERMINAL, ask: async () => answer });
  });

  test.each(['', 'n', 'no', 'yep', 'ye'])('is answered with no by %j', async (answer) => {
    const asked = confirm('Revoke?', { output: TERMINAL, ask: async () => answer });
    await expect(asked).rejects.toThrow('Nothing was done.');
    await expect(asked).rejects.not.toBeInstanceOf(UsageError);
  });

  test('is not asked with --yes', async () => {
    const ask = jest.fn<() => Promise<string>>();
    await confirm('Revoke?', { output: TERMINAL, yes: true, ask });
    expect(ask).not.toHaveBeenCalled();
  });

  test('that nobody can answer is refused as a wrong call, and says what to add', async () => {
    const asked = confirm('Revoke?', { output: PIPE, ask: async () => 'y' });
    await expect(asked).rejects.toBeInstanceOf(UsageError);
    await expect(asked).rejects.toThrow(/^Revoke\? .*add --yes/);
  });

  test('shows a hostile name as text', async () => {
    let question = '';
    const ask = async (text: string) => {
      question = text;
      return 'y';
    };
    await confirm('Revoke "\u001b[2J"?', { output: TERMINAL, ask });
    expect(question).toBe('Revoke "\\x1b[2J"? [y/N] ');
  });
});

describe('progress', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function terminal(hasStatus: boolean) {
    const seen: (string | undefined)[] = [];
    return { seen, hasStatus, note: (text: string) => seen.push(text), status: (text?: string) => seen.push(text) };
  }

  test('is silent about work of less than two seconds', async () => {
    const output = terminal(true);
    const working = withProgress(output, 'looking', () => sleep(1_900, 'done'));
    await jest.advanceTimersByTimeAsync(1_900);
    expect(await working).toBe('done');
    expect(output.seen).toEqual([undefined]);
  });

  test('says on a terminal each second what is going on now, and takes it away at the end', async () => {
    const output = terminal(true);
    const working = withProgress(output, 'looking', async (tell) => {
      await sleep(2_500);
      tell('reading');
      await sleep(1_000);
    });
    await jest.advanceTimersByTimeAsync(3_500);
    await working;
    expect(output.seen).toEqual(['… looking (2 s)', '… reading (3 s)', undefined]);
  });

  test('fills no log: a line after two seconds, then every fifteen', async () => {
    const output = terminal(false);
    const working = withProgress(output, 'looking', () => sleep(40_000));
    await jest.advanceTimersByTimeAsync(40_000);
    await working;
    expect(output.seen.filter(Boolean)).toEqual(['… looking (2 s)', '… looking (17 s)', '… looking (32 s)']);
  });

  test('ends when the work fails', async () => {
    const output = terminal(true);
    const working = withProgress(output, 'looking', () => Promise.reject(new Error('no')));
    await expect(working).rejects.toThrow('no');
    await jest.advanceTimersByTimeAsync(5_000);
    expect(output.seen).toEqual([undefined]);
  });
});
