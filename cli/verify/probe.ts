import { type Rest, type RestAnswer, refusalOf } from '../rest.ts';
import { Fault } from './check.ts';
import type { Installed } from './installation.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
/** PostgreSQL's undefined_table, and PostgREST's own from version 13 on. */
const UNKNOWN_RELATION = ['42P01', 'PGRST205'];

export type Presence = 'there' | 'missing' | 'no grant';

/**
 * Asks the REST interface for each thing without calling or changing it: its own description names the functions that the
 * key may call, and a read of no rows shows the right to a table.
 */
export async function probe(rest: Rest, wanted: readonly Installed[]): Promise<Map<Installed, Presence>> {
  const callable = await callableFunctions(rest);
  const found = await Promise.all(
    wanted.map(async (one): Promise<[Installed, Presence]> => {
      if (one.kind === 'relation') return [one, await probeRelation(rest, one.name)];
      return [one, callable.has(one.name) ? 'there' : await probeFunction(rest, one.name)];
    }),
  );
  return new Map(found);
}

/** @throws Fault when the key is refused as a whole */
async function callableFunctions(rest: Rest): Promise<Set<string>> {
  const answer = await rest.ask('/');
  const { paths } = (answer.json ?? {}) as { paths?: Record<string, unknown> };
  if (answer.status === 200 && paths) {
    return new Set(Object.keys(paths).map((path) => path.replace(/^\/rpc\//, '')));
  }
  const { message } = refusalOf(answer);
  throw new Fault(
    answer.status === 401 || answer.status === 403
      ? `the key was refused: ${message}`
      : `the REST interface answered HTTP ${answer.status}: ${message}`,
    answer.status === 401 || answer.status === 403
      ? 'Put the secret key of this very project in SUPABASE_SERVICE_KEY (Supabase: Settings > API Keys).'
      : 'Check SUPABASE_URL, and that the project is not paused.',
  );
}

async function probeRelation(rest: Rest, name: string): Promise<Presence> {
  const answer = await rest.ask(`/${name}?limit=0`);
  const { code, message } = refusalOf(answer);
  if (UNKNOWN_RELATION.includes(code)) return 'missing';
  if (!isDenied(answer)) return 'there';
  // A view is read with the reader's own rights: where those lack on a table below it, the table is named for it.
  const denied = /permission denied for (?:table|view|function) (\w+)/.exec(message)?.[1];
  return denied && denied !== name ? 'there' : 'no grant';
}

/** With arguments that no function has, none is called; where one of the name exists, the refusal proposes it. */
async function probeFunction(rest: Rest, name: string): Promise<Presence> {
  const answer = await rest.ask(`/rpc/${name}`, { method: 'POST', body: { queuekeeper_probe: true } });
  const { hint } = (answer.json ?? {}) as { hint?: string | null };
  return isDenied(answer) || hint?.includes(`public.${name}(`) ? 'no grant' : 'missing';
}

export function isDenied(answer: RestAnswer): boolean {
  return refusalOf(answer).code === INSUFFICIENT_PRIVILEGE;
}
