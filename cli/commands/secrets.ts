import type { Command } from 'commander';
import { readAll } from '../../lib/settings.ts';
import { examples } from '../common-options.ts';
import type { ReadVariables } from '../context.ts';
import { asUsage } from '../exit-code.ts';
import { createOutput } from '../output.ts';
import { withProgress } from '../progress.ts';
import { storeSecrets } from '../store-secrets.ts';

type PushOptions = { json?: boolean; dryRun?: boolean };

/** `queuekeeper secrets`: from .env to where the functions read them. The local system makes its own. */
export function addSecrets(program: Command, variables: ReadVariables): void {
  const secrets = program
    .command('secrets')
    .description('the secrets of .env in SSM, where the functions read them')
    .addHelpText(
      'afterAll',
      examples(
        ['secrets push --dry-run', 'which have changed'],
        ['secrets push', 'store them; the functions use them within 5 minutes, no deploy needed'],
      ),
    );
  secrets
    .command('push')
    .description('store what has changed as SSM SecureStrings; names are printed, never values')
    .option('--dry-run', 'only say what would be stored')
    .option('--json', 'print the result as JSON')
    .action(async ({ json, dryRun = false }: PushOptions) => {
      const output = createOutput({ isJson: json === true });
      const { settings, secrets: values } = asUsage(() => readAll(variables({})));
      const names = await withProgress(output, 'comparing with SSM', () =>
        storeSecrets(settings, values, { isDryRun: dryRun }),
      );
      const verb = dryRun ? 'would store' : 'stored';
      output.result(
        { dry_run: dryRun, stored: names },
        names.map((name) => `${verb}  ${name}`).join('\n') || 'nothing to do: SSM holds the same',
      );
    });
}
