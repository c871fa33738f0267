import type { Command } from 'commander';
import { examples, wholeNumber, withCommonOptions } from '../common-options.ts';
import { confirm } from '../confirm.ts';
import type { ReadVariables } from '../context.ts';
import { UsageError } from '../exit-code.ts';
import { readLocalFacts } from '../local-facts.ts';
import { migrateDown, migrateUp, migrationStatus } from '../migrate.ts';
import { createOutput, type Output } from '../output.ts';
import { withProgress } from '../progress.ts';

type Options = { local?: boolean; json?: boolean };
type DownOptions = Options & { dropData?: boolean; yes?: boolean };

/** `queuekeeper migrate`: changes the database that SUPABASE_DB_URL names. */
export function addMigrate(program: Command, variables: ReadVariables): void {
  const migrate = program
    .command('migrate')
    .description('change the database that SUPABASE_DB_URL names')
    .addHelpText(
      'afterAll',
      examples(
        ['migrate status', 'which migrations are applied'],
        ['migrate up', 'apply those that are not'],
        ['migrate down 1', 'undo the last one, after a question'],
      ),
    );
  const prepare = (options: Options) => ({
    url: options.local
      ? readLocalFacts(variables(options)).databaseUrl
      : databaseUrl(variables(options)['SUPABASE_DB_URL']),
    output: createOutput({ isJson: options.json === true }),
  });

  withCommonOptions(migrate.command('up').description('apply every migration that is not applied yet')).action(
    async (options: Options) => {
      const { url, output } = prepare(options);
      const applied = await withProgress(output, 'applying migrations', () => migrateUp(url));
      show(output, 'applied', applied);
    },
  );
  withCommonOptions(migrate.command('down').description('undo the last migrations'))
    .argument('[n]', 'how many', wholeNumber(), 1)
    .option('--drop-data', 'also drop tables of ours that still hold rows')
    .option('--yes', 'do not ask')
    .action(async (n: number, options: DownOptions) => {
      const { url, output } = prepare(options);
      const what = n === 1 ? 'the last migration' : `the last ${n} migrations`;
      const rows = options.dropData ? ' and drop the rows in its tables' : '';
      await confirm(`Undo ${what} of ${new URL(url).host}${rows}?`, { output, yes: options.yes });
      const undone = await withProgress(output, 'undoing migrations', () =>
        migrateDown(url, n, { dropData: options.dropData }),
      );
      show(output, 'undone', undone);
    });
  withCommonOptions(migrate.command('status').description('which migrations are applied')).action(
    async (options: Options) => {
      const { url, output } = prepare(options);
      const states = await withProgress(output, 'reading which migrations are applied', () => migrationStatus(url));
      const lines = states.map(({ file, applied }) => `${applied ? 'applied' : 'pending'}  ${file}`);
      output.result(states, lines.join('\n'));
    },
  );
}

function show(output: Output, verb: 'applied' | 'undone', files: string[]): void {
  output.result({ [verb]: files }, files.map((file) => `${verb}  ${file}`).join('\n') || 'nothing to do');
}

/** Session advisory locks do not survive Supabase's transaction pooler, and neither do long migrations. */
function databaseUrl(url: string | undefined): string {
  if (!url || !/^postgres(ql)?:\/\//.test(url)) {
    const seen = url ? 'is not a Postgres URL' : 'is missing';
    throw new UsageError(
      `SUPABASE_DB_URL ${seen}, wanted postgresql://USER:PASSWORD@HOST:5432/postgres (Supabase: Connect > Session pooler or Direct connection)`,
    );
  }
  if (url.includes('[YOUR-PASSWORD]')) {
    throw new UsageError('SUPABASE_DB_URL holds the placeholder [YOUR-PASSWORD], wanted the password of the database');
  }
  if (!URL.canParse(url) || isCutShort(new URL(url))) {
    throw new UsageError(
      'SUPABASE_DB_URL cannot be read as a URL, wanted its placeholders filled in and each of : / ? # [ ] @ % in the password percent-encoded (@ is %40, # is %23)',
    );
  }
  if (new URL(url).port === '6543') {
    throw new UsageError(
      'SUPABASE_DB_URL has port 6543, the transaction pooler, wanted the session pooler or the direct connection (port 5432)',
    );
  }
  return url;
}

/** A / ? or # in the password ends the host: what was meant for it, and the @ before it, stands further back. */
function isCutShort({ pathname, search, hash }: URL): boolean {
  return `${pathname}${search}${hash}`.includes('@');
}
