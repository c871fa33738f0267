#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { withEnvFile } from '../lib/env-file.ts';
import { readSecrets, readSettings } from '../lib/settings.ts';
import { runCdk } from './cdk.ts';
import { migrateDown, migrateUp, migrationStatus } from './migrate.ts';
import { storeSecrets } from './store-secrets.ts';

const variables = withEnvFile(process.env);
const program = new Command('queuekeeper').description('Keeps a Supabase + SQS job queue honest.');

const migrate = program.command('migrate').description('Change the database that SUPABASE_DB_URL names.');
migrate
  .command('up')
  .description('apply every migration that is not applied yet')
  .action(async () => print('applied', await migrateUp(databaseUrl())));
migrate
  .command('down')
  .description('undo the last migrations')
  .argument('[n]', 'how many', wholeNumber, 1)
  .option('--drop-data', 'also drop tables of ours that still hold rows')
  .action(async (n: number, { dropData }: { dropData?: boolean }) =>
    print('undone', await migrateDown(databaseUrl(), n, { dropData })),
  );
migrate
  .command('status')
  .description('which migrations are applied')
  .action(async () => {
    for (const { file, applied } of await migrationStatus(databaseUrl())) {
      console.log(`${applied ? 'applied' : 'pending'}  ${file}`);
    }
  });

program
  .command('deploy')
  .description('store the secrets in SSM, then cdk deploy; further options go to cdk')
  .option('--profile <name>', 'the AWS profile, of the secrets as of the stack')
  .allowUnknownOption()
  .argument('[options...]')
  .action(async (options: string[], { profile }: { profile?: string }) => {
    if (profile) process.env['AWS_PROFILE'] = profile; // read by our SSM client and by the CDK alike
    const [settings, secrets] = all(
      () => readSettings(variables),
      () => readSecrets(variables),
    );
    for (const name of await storeSecrets(settings, secrets)) console.log(`stored ${name}`);
    if (!secrets.SLACK_WEBHOOK_URL) console.warn('SLACK_WEBHOOK_URL not configured: alerts reach ALARM_EMAILS only.');
    process.exitCode = await runCdk(['deploy', ...options], { ...process.env });
  });

/** Session advisory locks do not survive Supabase's transaction pooler, and neither do long migrations. */
function databaseUrl(): string {
  const url = variables['SUPABASE_DB_URL'];
  if (!url || !/^postgres(ql)?:\/\//.test(url)) {
    const seen = url ? 'is not a Postgres URL' : 'is missing';
    throw new Error(
      `SUPABASE_DB_URL ${seen}, wanted postgresql://USER:PASSWORD@HOST:5432/postgres (Supabase: Connect > Session pooler or Direct connection)`,
    );
  }
  if (!URL.canParse(url)) {
    throw new Error(
      'SUPABASE_DB_URL cannot be read as a URL, wanted its placeholders filled in and each of : / ? # [ ] @ % in the password percent-encoded (@ is %40)',
    );
  }
  if (new URL(url).port === '6543') {
    throw new Error(
      'SUPABASE_DB_URL has port 6543, the transaction pooler, wanted the session pooler or the direct connection (port 5432)',
    );
  }
  return url;
}

/** Runs every reader before it throws, so that one error lists what all of them miss. */
function all<A, B>(first: () => A, second: () => B): [A, B] {
  const errors: string[] = [];
  const attempt = <T>(read: () => T) => {
    try {
      return read();
    } catch (error) {
      errors.push((error as Error).message);
      return undefined;
    }
  };
  const values = [attempt(first), attempt(second)];
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return values as [A, B];
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError(`it is "${text}", wanted a whole number of at least 1`);
  return Number(text);
}

function print(verb: string, files: string[]): void {
  console.log(files.length === 0 ? `nothing to do` : files.map((file) => `${verb}  ${file}`).join('\n'));
}

await program.parseAsync().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
