#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { withEnvFile } from '../lib/env-file.ts';
import { addDeploy } from './commands/deploy.ts';
import { addDlq } from './commands/dlq.ts';
import { addKeys } from './commands/keys.ts';
import { addMigrate } from './commands/migrate.ts';
import { addSecrets } from './commands/secrets.ts';
import { addStale } from './commands/stale.ts';
import { addStatus } from './commands/status.ts';
import { addVerify } from './commands/verify.ts';
import { type OpenContext, openContext, type ReadVariables } from './context.ts';
import { asUsage, exitCodeOf } from './exit-code.ts';
import { explainError } from './explain-error.ts';
import { printableLines } from './printable.ts';

const EXIT_CODES = `
Exit codes: 0 done; 1 it failed, or it found problems; 2 called wrongly (an option, a setting, no --yes), nothing was done.
Settings come from .env and the environment. docs/commands.md has all of it.`;

/** The local system has settings of its own, whatever .env says. */
const variables: ReadVariables = ({ local }) => (local ? process.env : asUsage(() => withEnvFile(process.env)));
const open: OpenContext = (options) => openContext(variables(options), options);

const program = new Command('queuekeeper')
  .description('Keeps a Supabase + SQS job queue honest.')
  .addHelpText('after', EXIT_CODES)
  .exitOverride()
  .showSuggestionAfterError();
addStatus(program, open);
addStale(program, open);
addDlq(program, open);
addKeys(program, open);
addSecrets(program, variables);
addMigrate(program, variables);
addDeploy(program, variables);
addVerify(program, open);

// Who reads may go before we are done, as head does or a terminal that is closed: what is begun is still put in order.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}
await program.parseAsync().catch((error: unknown) => {
  // Commander has said it already.
  if (!(error instanceof CommanderError)) console.error(printableLines(explainError(error)));
  process.exitCode = exitCodeOf(error);
});
