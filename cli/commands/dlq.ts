import type { Command } from 'commander';
import { connectRedrive, type Redrive } from '../../lambdas/dashboard-action/redrive.ts';
import { connectDeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { totalOf } from '../../lambdas/dlq-monitor/depth.ts';
import { counted } from '../../lambdas/shared/counted.ts';
import { describeDuration } from '../../lambdas/shared/duration.ts';
import type { OpenLetter } from '../../lambdas/shared/open-letter.ts';
import { examples, wholeNumber, withCommonOptions } from '../common-options.ts';
import { confirm } from '../confirm.ts';
import type { CommonOptions, Context, OpenContext } from '../context.ts';
import { followRedrive } from '../dead-letters/follow-redrive.ts';
import { lettersText } from '../dead-letters/open-letters.ts';
import { queueNameOf, recordLetters, recordText } from '../dead-letters/record.ts';
import { EXIT } from '../exit-code.ts';
import { onInterrupt } from '../interrupt.ts';
import { withProgress } from '../progress.ts';

const MOST_LISTED = 200;
/** AWS advises to start slowly: the cause may not be gone. */
const REDRIVES_PER_SECOND = 10;
/** SQS takes no more. */
const MOST_PER_SECOND = 500;

type RedriveOptions = CommonOptions & { rate: number; yes?: boolean; cancel?: boolean };

/** `queuekeeper dlq`: the messages that failed every attempt. */
export function addDlq(program: Command, open: OpenContext): void {
  const dlq = program
    .command('dlq')
    .description('dead letters: messages that failed every attempt')
    .addHelpText(
      'afterAll',
      examples(
        ['dlq list', 'which they are, why, and when SQS deletes them'],
        ['dlq record', 'save those that the monitor has not recorded yet'],
        ['dlq redrive', 'move them back to their queue, 10 a second, after a question'],
        ['dlq redrive --rate 1 --yes', 'slowly, without a question'],
        ['dlq redrive --cancel', 'stop a redrive that is running'],
      ),
    );
  withCommonOptions(dlq.command('list').description('the dead letters on record, the first to expire first')).action(
    (options: CommonOptions) => list(open(options)),
  );
  withCommonOptions(
    dlq.command('record').description('read all dead letters and record them, bodies too; they stay in the queue'),
  ).action((options: CommonOptions) => record(open(options)));
  withCommonOptions(dlq.command('redrive').description('move the dead letters back to the queue they came from'))
    .option('--rate <n>', 'messages a second', wholeNumber(MOST_PER_SECOND), REDRIVES_PER_SECOND)
    .option('--cancel', 'stop the redrive that is running; what it has moved stays moved')
    .option('--yes', 'do not ask')
    .action((options: RedriveOptions) => redrive(open(options), options));
}

async function list(context: Context): Promise<void> {
  const { output, database } = context;
  const letters = await withProgress(output, 'looking for dead letters', async () => {
    const { name, depth } = await readDepth(context);
    const args = { queue_name: name, row_limit: MOST_LISTED };
    const open = await database().call<OpenLetter[]>('open_dead_letters', args);
    return { queue: name, in_queue: totalOf(depth), dead_letters: open };
  });
  output.result(letters, lettersText(letters, new Date(), MOST_LISTED));
}

async function record(context: Context): Promise<void> {
  const report = await withProgress(context.output, 'reading the dead-letter queue', (tell) =>
    recordLetters(context, tell),
  );
  context.output.result(report, recordText(report));
  if (report.problems.length > 0) process.exitCode = EXIT.failed;
}

async function redrive(context: Context, { rate, cancel, yes }: RedriveOptions): Promise<void> {
  const { output, clients, dlqUrl } = context;
  const { name, depth } = await withProgress(output, 'counting the dead letters', () => readDepth(context));
  const redrive = connectRedrive(clients.sqs, await dlqUrl());
  if (cancel) return cancelRedrive(context, redrive, name);
  const total = totalOf(depth);
  if (total === 0) {
    output.result({ queue: name, status: 'NOTHING_TO_DO', moved: 0 }, `No dead letters in ${name}.`);
    return;
  }
  const { task } = await redrive.look();
  if (task?.status === 'RUNNING') {
    throw new Error(
      `A redrive of ${name} is running already, ${task.moved} moved so far. To stop it: npx queuekeeper dlq redrive --cancel`,
    );
  }
  const duration = describeDuration(Math.ceil(total / rate) * 1_000);
  const question = `Move ${counted(total, 'dead letter')} of ${name} back to the queue, ${rate} a second (about ${duration})? Is the cause gone?`;
  await confirm(question, { output, yes });
  using interrupt = onInterrupt();
  const { signal } = interrupt;
  await redrive.start(rate);
  const report = await withProgress(output, 'redriving', (tell) => followRedrive({ redrive, tell, signal }));
  const text =
    report.status === 'RUNNING'
      ? `The redrive goes on without you, ${report.moved} moved so far. To stop it: npx queuekeeper dlq redrive --cancel`
      : `${report.status}: ${report.moved} moved.${report.failure ? ` ${report.failure}` : ''}`;
  output.result({ queue: name, ...report }, text);
  if (report.status === 'FAILED') process.exitCode = EXIT.failed;
}

async function cancelRedrive({ output }: Context, redrive: Redrive, queue: string): Promise<void> {
  const { task } = await redrive.look();
  if (!task?.handle) {
    output.result({ queue, cancelled: false }, 'No redrive is running.');
    return;
  }
  const moved = await redrive.stop(task.handle);
  output.result(
    { queue, cancelled: true, moved },
    `Cancelled: ${counted(moved, 'message')} had been moved before it stopped.`,
  );
}

async function readDepth({ dlqUrl, clients }: Context) {
  const url = await dlqUrl();
  const depth = await connectDeadLetterQueue(clients.sqs, url).readAttributes();
  return { name: queueNameOf(url), depth };
}
