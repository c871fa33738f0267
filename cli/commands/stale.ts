import type { Command } from 'commander';
import { examples, withCommonOptions } from '../common-options.ts';
import { confirm } from '../confirm.ts';
import type { CommonOptions, OpenContext } from '../context.ts';
import { EXIT, UsageError } from '../exit-code.ts';
import { withProgress } from '../progress.ts';
import { planRecovery, recover, sendRecovered } from '../stale/recover.ts';
import { recoveriesText } from '../stale/recovery-text.ts';
import { type StaleJobs, staleJobsText } from '../stale/stale-job.ts';

type RecoverOptions = CommonOptions & { dryRun?: boolean; job?: string; yes?: boolean };

const MOST_LISTED = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `queuekeeper stale`: the jobs whose worker is gone. */
export function addStale(program: Command, open: OpenContext): void {
  const stale = program
    .command('stale')
    .description('jobs in progress whose worker shows no sign of life')
    .addHelpText(
      'afterAll',
      examples(
        ['stale list', 'which jobs, since when and why'],
        ['stale recover --dry-run', 'what recovering would do'],
        ['stale recover --job 6d0c4b9e-…', 'recover one job, after a question'],
        ['stale recover --yes', "all of them, as the monitor's next run would"],
      ),
    );
  withCommonOptions(stale.command('list').description('the stale jobs, longest stale first')).action(
    async (options: CommonOptions) => {
      const { database, settings, output } = open(options);
      const args = { threshold_minutes: settings.STALE_THRESHOLD_MINUTES, row_limit: MOST_LISTED };
      const stale = await withProgress(output, 'looking for stale jobs', () =>
        database().call<StaleJobs>('list_stale_jobs', args),
      );
      output.result(stale, staleJobsText(stale, new Date()));
    },
  );
  withCommonOptions(stale.command('recover').description('put stale jobs back to work'))
    .option('--dry-run', 'only say what would be done')
    .option('--job <id>', 'only this job; one on hold is released')
    .option('--yes', 'do not ask')
    .action((options: RecoverOptions) => runRecover(options, open));
}

async function runRecover({ job, dryRun, yes, ...options }: RecoverOptions, open: OpenContext): Promise<void> {
  if (job !== undefined && !UUID.test(job)) throw new UsageError(`--job is "${job}", wanted the id of a job, a UUID`);
  const context = open(options);
  const { output } = context;
  const plan = await withProgress(output, 'looking for stale jobs', () => planRecovery(context, job));
  if (dryRun || plan.length === 0) {
    output.result({ dry_run: Boolean(dryRun), recoveries: plan }, recoveriesText(plan, 'plan'));
    return;
  }
  if (!yes) output.note(recoveriesText(plan, 'plan'));
  await confirm(`Recover ${plan.length === 1 ? 'this job' : `these ${plan.length} jobs`}?`, { output, yes });
  const recoveries = await withProgress(output, 'recovering', () => recover(context, job));
  const { sent, problem } = await withProgress(output, 'sending messages', () => sendRecovered(context));
  const later = problem ? ` The rest is sent by the monitor's next run: ${problem}` : '';
  output.result(
    { dry_run: false, recoveries, messages_sent: sent, ...(problem ? { sending_problem: problem } : {}) },
    `${recoveriesText(recoveries, 'done')}\n\nMessages sent: ${sent}.${later}`,
  );
  if (recoveries.some(({ action }) => action === 'error')) process.exitCode = EXIT.failed;
}
