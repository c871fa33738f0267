import type { Command } from 'commander';
import { readAll } from '../../lib/settings.ts';
import { runCdk } from '../cdk.ts';
import { examples } from '../common-options.ts';
import type { ReadVariables } from '../context.ts';
import { asUsage, UsageError } from '../exit-code.ts';
import { storeSecrets } from '../store-secrets.ts';

/** `queuekeeper deploy`: the secrets first, for the functions need them from their first run on. */
export function addDeploy(program: Command, variables: ReadVariables): void {
  program
    .command('deploy')
    .description('store the secrets in SSM, then cdk deploy; further options go to cdk')
    .option('--profile <name>', 'the AWS profile, of the secrets as of the stack')
    .allowUnknownOption()
    .argument('[options...]')
    .addHelpText(
      'after',
      examples(
        ['deploy', 'cdk asks before it changes rights'],
        ['deploy --require-approval never', 'as in CI'],
        ['deploy --profile production', "with that profile's account"],
      ),
    )
    .action(async (options: string[], { profile }: { profile?: string }) => {
      if (options.includes('--local')) {
        throw new UsageError('deploy has no --local: the local system deploys itself (npm run local)');
      }
      if (profile) process.env['AWS_PROFILE'] = profile; // read by our SSM client and by the CDK alike
      const { settings, secrets } = asUsage(() => readAll(variables({})));
      for (const name of await storeSecrets(settings, secrets)) console.log(`stored ${name}`);
      if (!secrets.SLACK_WEBHOOK_URL) console.warn('SLACK_WEBHOOK_URL not configured: alerts reach ALARM_EMAILS only.');
      process.exitCode = await runCdk(['deploy', ...options], { ...process.env });
    });
}
