import { explainError } from '../explain-error.ts';
import { type Check, Fault, type Finding, NotChecked } from './check.ts';

export interface RunChecksOptions {
  readonly checks: readonly Check[];
  /** Does one check, with whatever goes around it. */
  readonly perform: (check: Check) => Promise<string>;
  readonly signal: AbortSignal;
  /** Gets each finding as it comes. */
  readonly tell: (finding: Finding) => void;
}

/** Runs every check, one after the other; none stops the next. Never throws. */
export async function runChecks({ checks, perform, signal, tell }: RunChecksOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const finding = await find(check, findings, { perform, signal });
    findings.push(finding);
    tell(finding);
  }
  return findings;
}

async function find(
  check: Check,
  earlier: Finding[],
  { perform, signal }: Pick<RunChecksOptions, 'perform' | 'signal'>,
): Promise<Finding> {
  if (signal.aborted) return notChecked(check, 'interrupted');
  const missing = firstThatFailed(check.needs, earlier, ['failed', 'not checked']);
  if (missing) return notChecked(check, `it needs "${missing}"`);
  try {
    return { name: check.name, outcome: 'passed', what: await perform(check) };
  } catch (error) {
    const what = explainError(error);
    if (signal.aborted && !(error instanceof Fault)) return notChecked(check, 'interrupted');
    if (error instanceof NotChecked) return notChecked(check, what);
    const cause = firstThatFailed(check.follows, earlier, ['failed']);
    if (cause) return notChecked(check, `after "${cause}" above, this says nothing of its own: ${what}`);
    const { toDo, details } =
      error instanceof Fault ? error : { toDo: 'Mend that, then run this again.', details: undefined };
    return { name: check.name, outcome: 'failed', what, details, to_do: toDo };
  }
}

function firstThatFailed(names: readonly string[] = [], earlier: Finding[], outcomes: Finding['outcome'][]) {
  return names.find((name) => earlier.some((one) => one.name === name && outcomes.includes(one.outcome)));
}

function notChecked({ name }: Check, what: string): Finding {
  return { name, outcome: 'not checked', what };
}
