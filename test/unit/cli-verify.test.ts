import { describe, expect, test } from '@jest/globals';
import type { Context } from '../../cli/context.ts';
import type { Rest } from '../../cli/rest.ts';
import { type Check, type CheckRun, Fault, type Finding, NotChecked } from '../../cli/verify/check.ts';
import { allChecks } from '../../cli/verify/checks.ts';
import { readInstallation } from '../../cli/verify/installation.ts';
import { findingText, summaryText } from '../../cli/verify/report.ts';
import { runChecks } from '../../cli/verify/run-checks.ts';
import { sendTestLetter } from '../../cli/verify/test-letter.ts';

type Outcomes = Record<string, () => Promise<string>>;

const passes = async () => 'fine';
const fails = async () => {
  throw new Fault('broken', 'Mend it.');
};

async function run(checks: Pick<Check, 'name' | 'needs' | 'follows'>[], outcomes: Outcomes, signal?: AbortSignal) {
  const told: Finding[] = [];
  const tried: string[] = [];
  const findings = await runChecks({
    checks: checks as Check[],
    perform: ({ name }) => {
      tried.push(name);
      return (outcomes[name] ?? passes)();
    },
    signal: signal ?? new AbortController().signal,
    tell: (finding) => told.push(finding),
  });
  expect(told).toEqual(findings);
  return { findings, tried, outcomes: findings.map(({ outcome }) => outcome) };
}

/** A dead-letter queue with the test message, and a database that keeps its record. */
function withoutTheRightToDelete(): Context {
  const answers: Record<string, object> = {
    SendMessageCommand: { MessageId: 'm-1' },
    GetQueueAttributesCommand: { Attributes: { ApproximateNumberOfMessages: '1' } },
    ReceiveMessageCommand: { Messages: [{ MessageId: 'm-1', ReceiptHandle: 'r-1', Body: '{}' }] },
  };
  const send = async (command: object) => answers[command.constructor.name] ?? {};
  const ask: Rest['ask'] = async (_path, { method = 'GET' } = {}) =>
    method === 'DELETE' ? { status: 403, json: { message: 'permission denied' } } : { status: 200, json: [] };
  const rest = () => ({ ask });
  return {
    clients: { sqs: { send } },
    dlqUrl: async () => 'https://sqs/dead-letters',
    rest,
    askedBy: 'ada@home',
  } as unknown as Context;
}

describe('the checks', () => {
  test('are all run, though one fails, and two faults are both named', async () => {
    const { outcomes } = await run([{ name: 'A' }, { name: 'B' }, { name: 'C' }], { A: fails, C: fails });
    expect(outcomes).toEqual(['failed', 'passed', 'failed']);
  });

  test('are not tried without what they need, failed or itself not checked', async () => {
    const checks = [{ name: 'A' }, { name: 'B', needs: ['A'] }, { name: 'C', needs: ['B'] }];
    const { outcomes, tried, findings } = await run(checks, { A: fails });
    expect(outcomes).toEqual(['failed', 'not checked', 'not checked']);
    expect(tried).toEqual(['A']);
    expect(findings[1]?.what).toBe('it needs "A"');
  });

  test('are not blamed for what may follow from an earlier failure, and still pass where they can', async () => {
    const checks = [{ name: 'A' }, { name: 'B', follows: ['A'] }, { name: 'C', follows: ['A'] }];
    const { outcomes, findings } = await run(checks, { A: fails, B: fails });
    expect(outcomes).toEqual(['failed', 'not checked', 'passed']);
    expect(findings[1]).toEqual({
      name: 'B',
      outcome: 'not checked',
      what: 'after "A" above, this says nothing of its own: broken',
    });
  });

  test('are blamed where what they follow has passed, or could not be checked', async () => {
    const unknown = async () => {
      throw new NotChecked('cannot tell');
    };
    const checks = [{ name: 'A' }, { name: 'B' }, { name: 'C', follows: ['A', 'B'] }];
    const { outcomes } = await run(checks, { B: unknown, C: fails });
    expect(outcomes).toEqual(['passed', 'not checked', 'failed']);
  });

  test('say of an error that nobody foresaw what it was, and what to do', async () => {
    const { findings } = await run([{ name: 'A' }], { A: () => Promise.reject(new Error('boom')) });
    expect(findings).toEqual([
      { name: 'A', outcome: 'failed', what: 'boom', to_do: 'Mend that, then run this again.' },
    ]);
  });

  test('end at an interruption, and blame nobody for it', async () => {
    const controller = new AbortController();
    const interrupted = async () => {
      controller.abort();
      controller.signal.throwIfAborted();
      return '';
    };
    const { outcomes, tried } = await run([{ name: 'A' }, { name: 'B' }], { A: interrupted }, controller.signal);
    expect(outcomes).toEqual(['not checked', 'not checked']);
    expect(tried).toEqual(['A']);
  });

  test('tell after an interruption, too, that a test message or its record could not be removed', async () => {
    const controller = new AbortController();
    const letter = await sendTestLetter(withoutTheRightToDelete());
    const interrupted = async () => {
      controller.abort();
      await letter.remove(() => {});
      return '';
    };
    const { findings } = await run([{ name: 'A' }], { A: interrupted }, controller.signal);
    expect(findings).toEqual([
      {
        name: 'A',
        outcome: 'failed',
        what: expect.stringContaining('the record of the test message m-1 is still in dead_letters'),
        to_do: expect.stringContaining('Delete it by hand.'),
      },
    ]);
  });

  test('name only checks that come before them', () => {
    const checks = allChecks(new Error('no settings'), { isQuick: false });
    const names = checks.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [index, { needs = [], follows = [] }] of checks.entries()) {
      for (const name of [...needs, ...follows]) expect(names.slice(0, index)).toContain(name);
    }
  });
});

describe('a finding', () => {
  test('that failed has a second line with what to do', () => {
    const finding: Finding = { name: 'Slack', outcome: 'failed', what: 'no\u001b[2J webhook', to_do: 'Set it.' };
    expect(findingText(finding)).toBe('✗ Slack: no\\x1b[2J webhook\n    → Set it.');
  });

  test('has a line for each of its details', () => {
    const details = ['A is missing', 'B is "x\u0007"'];
    const finding: Finding = { name: 'Settings', outcome: 'failed', what: '2 wrong', details, to_do: 'Set them.' };
    expect(findingText(finding)).toBe('✗ Settings: 2 wrong\n    A is missing\n    B is "x\\x07"\n    → Set them.');
  });

  test('is counted in the last line', () => {
    const finding = (outcome: Finding['outcome']): Finding => ({ name: 'A', outcome, what: '' });
    expect(summaryText([finding('passed'), finding('passed')])).toBe('2 passed.');
    expect(summaryText([finding('passed'), finding('failed'), finding('not checked')])).toBe(
      '1 failed, 1 passed, 1 not checked.',
    );
  });
});

describe('the credentials of AWS', () => {
  const contextOf = (credentials: () => Promise<unknown>) =>
    ({ context: { clients: { ssm: { config: { credentials } } } } }) as unknown as CheckRun;

  test('are blamed by themselves where there are none, and not in the local system', async () => {
    const checks = allChecks(new Error('no settings'), { isQuick: false });
    const aws = checks.find(({ name }) => name === 'AWS');
    const none = contextOf(() => Promise.reject(new Error('Could not load credentials from any providers')));
    await expect(aws?.run(none)).rejects.toMatchObject({
      message: 'no credentials: Could not load credentials from any providers',
      toDo: 'Set AWS_PROFILE, or run aws configure or aws sso login.',
    });
    expect(await aws?.run(contextOf(async () => ({ accessKeyId: 'AKIA1' })))).toBe(
      'credentials of the access key AKIA1',
    );
    for (const name of ['Secrets', 'Slack', 'Dead letters', 'Logs']) {
      expect(checks.find((check) => check.name === name)?.needs).toContain('AWS');
    }
    const local = allChecks(new Error('no settings'), { isQuick: false, isLocal: true });
    expect(local.map(({ name }) => name)).not.toContain('AWS');
  });
});

describe('what the migrations install', () => {
  test('is read from their grants: tables, views and functions, each with its first migration', async () => {
    const installed = await readInstallation();
    const find = (name: string) => installed.find((one) => one.name === name);
    expect(find('jobs')).toEqual({ kind: 'relation', name: 'jobs', file: '001_jobs.sql' });
    expect(find('stale_jobs_view')).toMatchObject({ kind: 'relation', file: '005_find_stale_jobs_function.sql' });
    expect(find('find_stale_jobs')).toMatchObject({ kind: 'function', file: '005_find_stale_jobs_function.sql' });
    // Granted over several lines, and granted again by a later migration.
    expect(find('recover_stale_jobs')).toMatchObject({ kind: 'function' });
    expect(find('cleanup_rate_limit_records')).toMatchObject({ file: '004_rate_limit_requests.sql' });
  });
});
