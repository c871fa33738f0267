import type { Command } from 'commander';
import { examples, withCommonOptions } from '../common-options.ts';
import type { CommonOptions, Context, OpenContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { askHealth } from '../health-answer.ts';
import { onInterrupt } from '../interrupt.ts';
import { createOutput } from '../output.ts';
import { pause } from '../pause.ts';
import { type Tell, withProgress } from '../progress.ts';
import type { Check } from '../verify/check.ts';
import { allChecks } from '../verify/checks.ts';
import { findingText, summaryText } from '../verify/report.ts';
import { runChecks } from '../verify/run-checks.ts';

type VerifyOptions = CommonOptions & { quick?: boolean };

/** `queuekeeper verify`: the product's acceptance list against what is really there. */
export function addVerify(program: Command, open: OpenContext): void {
  withCommonOptions(program.command('verify').description('check that all of it works, one line per check'))
    .option('--quick', 'leave out the test message in the dead-letter queue, which takes up to DLQ_CHECK_MINUTES')
    .option('--api-url <url>', 'where the API is, if not found by its name')
    .addHelpText(
      'after',
      `
It sends a test message to Slack and one to the dead-letter queue, which it removes again, also after Ctrl-C, and uses
up this address's requests to GET /api/health for a minute. ✓ is fine, ✗ is not, – could not be checked.
${examples(
  ['verify', 'a deployed stack, after each deploy'],
  ['verify --local', 'the local system'],
  ['verify --quick --json', 'for a pipeline; exit code 1 when anything is ✗'],
)}`,
    )
    .action((options: VerifyOptions) => verify(options, open));
}

async function verify(options: VerifyOptions, open: OpenContext): Promise<void> {
  const output = createOutput({ isJson: options.json === true });
  const context = opened(options, open);
  const startedAt = new Date();
  using interrupt = onInterrupt();
  const { signal } = interrupt;
  signal.addEventListener('abort', () =>
    output.note('Interrupted: tidying up. Ctrl-C again leaves things as they are.'),
  );
  let tellNow: Tell = () => {};
  const firstHealth = once(async () => patientHealth(usable(context), tellNow, signal));
  const perform = (check: Check) =>
    withProgress(output, check.name, (tell) => {
      tellNow = tell;
      return check.run({ context: context as Context, tell, signal, firstHealth, startedAt });
    });
  const findings = await runChecks({
    checks: allChecks(context, { isQuick: options.quick === true, isLocal: options.local === true }),
    perform,
    signal,
    tell: (finding) => output.line(findingText(finding)),
  });
  const isWell = findings.every(({ outcome }) => outcome !== 'failed') && !signal.aborted;
  output.result({ is_well: isWell, checks: findings }, `\n${summaryText(findings)}`);
  if (!isWell) process.exitCode = EXIT.failed;
}

/** Settings that are missing are the first thing to report, no reason to stop. */
function opened(options: VerifyOptions, open: OpenContext): Context | Error {
  try {
    return open({ ...options, needsSecrets: true });
  } catch (error) {
    return error as Error;
  }
}

function usable(context: Context | Error): Context {
  if (context instanceof Error) throw context;
  return context;
}

/** An address that has just used up its requests gets its answer a little later. */
async function patientHealth(context: Context, tell: Tell, signal: AbortSignal) {
  const url = await context.apiUrl();
  const answer = await askHealth(url, signal);
  const seconds = Number(answer.headers.get('retry-after'));
  if (answer.http !== 429 || !(seconds > 0 && seconds <= 120)) return answer;
  tell(`Health: this address has used up its requests, waiting ${seconds} s`);
  await pause(seconds * 1_000, signal);
  return askHealth(url, signal);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= work();
    return made;
  };
}
