import type { Command } from 'commander';
import { examples, withCommonOptions } from '../common-options.ts';
import type { CommonOptions, OpenContext } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import { withProgress } from '../progress.ts';
import { isWell, lookAtAll } from '../status/look.ts';
import { statusScreen } from '../status/screen.ts';

/** `queuekeeper status`: is it all right? */
export function addStatus(program: Command, open: OpenContext): void {
  withCommonOptions(program.command('status').description('one screen: health, depths, monitors, alarms'))
    .option('--api-url <url>', 'where the API is, if not found by its name')
    .addHelpText(
      'after',
      examples(
        ['status', 'the deployed stack of .env'],
        ['status --local', 'the local system'],
        ['status --json', 'for a script; exit code 1 when something needs a look'],
      ),
    )
    .action(async (options: CommonOptions) => {
      const context = open({ ...options, needsSecrets: true });
      const status = await withProgress(context.output, 'looking', () => lookAtAll(context, new Date()));
      context.output.result({ is_well: isWell(status), ...status }, statusScreen(status));
      if (!isWell(status)) process.exitCode = EXIT.failed;
    });
}
