import { refusalOf } from '../rest.ts';
import { type Check, Fault, NotChecked } from './check.ts';
import { type Installed, readInstallation } from './installation.ts';
import { isDenied, probe } from './probe.ts';

/** So many names in a line; the rest is a number. */
const MOST_NAMED = 6;

export const database: Check = {
  name: 'Database',
  needs: ['Settings'],
  async run({ context }) {
    const wanted = await readInstallation();
    const found = await probe(context.rest(), wanted);
    const missing = wanted.filter((one) => found.get(one) === 'missing');
    if (missing.length > 0) throw missingFault(missing);
    const denied = wanted.filter((one) => found.get(one) === 'no grant');
    if (denied.length > 0) throw grantFault(denied);
    const count = (kind: Installed['kind']) => wanted.filter((one) => one.kind === kind).length;
    return `${count('relation')} tables and views and ${count('function')} functions are there, and the key may use them`;
  },
};

function missingFault(missing: readonly Installed[]): Fault {
  const files = filesOf(missing);
  return new Fault(
    `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} missing: no ${named(missing)}`,
    `npm run migrate -- up. Where that says "nothing to do", it was applied and undone by hand: run ${pathsOf(files)} in the SQL editor.`,
  );
}

function grantFault(denied: readonly Installed[]): Fault {
  const files = filesOf(denied);
  return new Fault(
    `no grants: the key (role service_role) may not use ${named(denied)}`,
    `Run ${pathsOf(files)} again in the SQL editor: they end in the grants, and are safe to run twice. Check that SUPABASE_SERVICE_KEY is a secret key, too.`,
  );
}

function filesOf(things: readonly Installed[]): string[] {
  return [...new Set(things.map(({ file }) => file))];
}

function pathsOf(files: readonly string[]): string {
  return files.map((file) => `migrations/${file}`).join(', ');
}

function named(things: readonly Installed[]): string {
  const names = things.slice(0, MOST_NAMED).map(({ name }) => name);
  const rest = things.length - names.length;
  return `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

export const outsiders: Check = {
  name: 'Outsiders',
  needs: ['Database'],
  async run({ context: { anonRest } }) {
    if (!anonRest) throw new NotChecked('set SUPABASE_ANON_KEY to see that anon is refused everywhere');
    const wanted = await readInstallation();
    const relations = wanted.filter(({ kind }) => kind === 'relation');
    const answers = await Promise.all(
      relations.map(async (one) => [one, await anonRest.ask(`/${one.name}?limit=0`)] as const),
    );
    const notDenied = answers.filter(([, answer]) => !isDenied(answer));
    const [first] = notDenied;
    if (!first) return `anon is refused on all ${relations.length} tables and views`;
    const [, { status }] = first;
    if (status === 401) {
      throw new Fault(
        `the key itself was refused: ${refusalOf(first[1]).message}`,
        'Put the publishable key of this very project in SUPABASE_ANON_KEY (Supabase: Settings > API Keys).',
      );
    }
    const open = notDenied.map(([one]) => one);
    throw new Fault(
      `anon is not refused on ${named(open)} (HTTP ${status})`,
      `Run ${pathsOf(filesOf(open))} again in the SQL editor. Check that SUPABASE_ANON_KEY is a publishable key, too.`,
    );
  },
};
