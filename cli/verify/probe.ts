import { type Rest, type RestAnswer, type RestOptions, refusalOf } from '../rest.ts';
import { Fault } from './check.ts';
import type { Installed } from './installation.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
/** PostgreSQL's undefined_table, and PostgREST's own from version 13 on. */
const UNKNOWN_RELATION = ['42P01', 'PGRST205'];

const RETRY_AFTER_MS = 500;
const CHECK_URL = 'Check SUPABASE_URL, and that the project is not paused.';

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
  const answer = await askSurely(rest, '/');
  const { paths } = (answer.json ?? {}) as { paths?: Record<string, unknown> };
  if (answer.status === 200 && paths) {
    return new Set(Object.keys(paths).map((path) => path.replace(/^\/rpc\//, '')));
  }
  const { message } = refusalOf(answer);
  if (answer.status === 401 || answer.status === 403) {
    throw new Fault(
      `the key was refused: ${message}`,
      'Put the secret key of this very project in SUPABASE_SERVICE_KEY (Supabase: Settings > API Keys).',
    );
  }
  throw new Fault(`the REST interface answered HTTP ${answer.status}: ${message}`, CHECK_URL);
}

async function probeRelation(rest: Rest, name: string): Promise<Presence> {
  const answer = await askSurely(rest, `/${name}?limit=0`);
  const { code, message } = refusalOf(answer);
  if (UNKNOWN_RELATION.includes(code)) return 'missing';
  if (!isDenied(answer)) return 'there';
  // A view is read with the reader's own rights: where those lack on a table below it, the table is named for it.
  const denied = /permission denied for (?:table|view|function) (\w+)/.exec(message)?.[1];
  return denied && denied !== name ? 'there' : 'no grant';
}

/** Nothing is called, for nothing has that name; the refusal proposes the function whose name is almost the same. */
async function probeFunction(rest: Rest, name: string): Promise<Presence> {
  const answer = await askSurely(rest, `/rpc/${name}_`, { method: 'POST', body: {} });
  const { hint } = (answer.json ?? {}) as { hint?: string | null };
  return hint?.endsWith(` public.${name}`) ? 'no grant' : 'missing';
}

/** A gateway may have a bad moment, which must not pass for a missing table. */
async function askSurely(rest: Rest, path: string, options?: RestOptions): Promise<RestAnswer> {
  const first = await rest.ask(path, options);
  if (first.status < 500) return first;
  await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
  const second = await rest.ask(path, options);
  if (second.status < 500) return second;
  const { message } = refusalOf(second);
  throw new Fault(`the REST interface answered HTTP ${second.status}: ${message}`, CHECK_URL);
}

export function isDenied(answer: RestAnswer): boolean {
  return refusalOf(answer).code === INSUFFICIENT_PRIVILEGE;
}
