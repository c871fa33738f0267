import { type Command, Option } from 'commander';
import { examples, withCommonOptions } from '../common-options.ts';
import { confirm } from '../confirm.ts';
import type { CommonOptions, OpenContext } from '../context.ts';
import { UsageError } from '../exit-code.ts';
import { type ApiKey, connectApiKeys, PLANS, type Plan } from '../keys/api-keys.ts';
import { withProgress } from '../progress.ts';
import { textTable } from '../text-table.ts';

type CreateOptions = CommonOptions & { plan: Plan; name: string };
type RevokeOptions = CommonOptions & { yes?: boolean };

/** A letter or digit first, so that no name passes for an option. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,99}$/u;

/** `queuekeeper keys`: who may call the API. */
export function addKeys(program: Command, open: OpenContext): void {
  const keys = program
    .command('keys')
    .description('API keys of the customers who call GET /api/queue/{customerId}')
    .addHelpText(
      'afterAll',
      examples(
        ['keys create --plan pro --name acme', 'a new key; its value is shown this once'],
        ['keys list', 'names and plans, never values'],
        ['keys revoke acme', 'delete it, after a question: its calls get 403 from then on'],
      ),
    );
  const prepare = (options: CommonOptions) => {
    const context = open(options);
    return { ...context, apiKeys: connectApiKeys(context.clients.apiGateway, context.stage) };
  };

  withCommonOptions(keys.command('create').description('make a key and show its value, this once'))
    .addOption(new Option('--plan <plan>', 'its usage plan').choices(PLANS).makeOptionMandatory())
    .requiredOption('--name <name>', 'whose it is, unique within the stage')
    .action(async ({ plan, name, ...options }: CreateOptions) => {
      if (!NAME.test(name)) {
        throw new UsageError(
          `--name is "${name}", wanted 1 to 100 letters, digits, spaces and . _ @ - (a letter or digit first)`,
        );
      }
      const { apiKeys, output, askedBy } = prepare(options);
      const made = await withProgress(output, 'making the key', async () => {
        const existing = (await apiKeys.list()).find((key) => key.name === name);
        if (existing) {
          throw new UsageError(
            `there is a key named "${name}" already (${existing.id}, ${existing.plan}): choose another name, or revoke it first`,
          );
        }
        return apiKeys.create(plan, name, `Made with queuekeeper keys create by ${askedBy}`);
      });
      output.note('The value of the key is shown this once: give it to the customer, who sends it as x-api-key.');
      output.result(made, made.value);
    });

  withCommonOptions(keys.command('list').description('the keys of this stage')).action(
    async (options: CommonOptions) => {
      const { apiKeys, output } = prepare(options);
      const found = await withProgress(output, 'listing the keys', () => apiKeys.list());
      const rows = found.map(({ name, plan, id }) => [name, plan, id]);
      output.result(found, rows.length === 0 ? 'No keys.' : textTable(['NAME', 'PLAN', 'ID'], rows));
    },
  );

  withCommonOptions(keys.command('revoke').description('delete a key'))
    .argument('<key>', 'its name or id')
    .option('--yes', 'do not ask')
    .action(async (wanted: string, { yes, ...options }: RevokeOptions) => {
      const { apiKeys, output } = prepare(options);
      const found = await withProgress(output, 'looking for the key', () => apiKeys.list());
      const key = theKey(found, wanted);
      await confirm(`Revoke the key "${key.name}" (${key.plan}, ${key.id})? Its calls get 403 from then on.`, {
        output,
        yes,
      });
      await withProgress(output, 'revoking the key', () => apiKeys.revoke(key.id));
      output.result({ revoked: key }, `Revoked "${key.name}" (${key.plan}, ${key.id}).`);
    });
}

function theKey(keys: readonly ApiKey[], wanted: string): ApiKey {
  const found = keys.filter(({ id, name }) => id === wanted || name === wanted);
  if (found.length === 1 && found[0]) return found[0];
  if (found.length === 0)
    throw new UsageError(`there is no key "${wanted}" in this stage: see npx queuekeeper keys list`);
  throw new UsageError(
    `${found.length} keys are named "${wanted}": give the id (${found.map(({ id }) => id).join(', ')})`,
  );
}
