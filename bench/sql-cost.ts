import type pg from 'pg';
import { median } from './median.ts';

type Plan = Record<string, unknown> & { Plans?: Plan[] };

export interface SqlCost {
  /** Medians of RUNS runs on a warm cache. */
  readonly milliseconds: number;
  readonly buffers: number;
  /** The scans of tables, such as "Index Scan jobs_in_progress_last_change_idx on jobs". */
  readonly nodes: readonly string[];
}

const RUNS = 7;

/** @param client a superuser's connection */
export async function measureSql(client: pg.Client, sql: string): Promise<SqlCost> {
  const runs: { milliseconds: number; buffers: number }[] = [];
  await client.query(sql); // warm
  for (let run = 0; run < RUNS; run++) {
    const { rows: explained } = await client.query(`explain (analyze, buffers, timing off, format json) ${sql}`);
    const [{ Plan: plan, 'Execution Time': milliseconds }] = explained[0]['QUERY PLAN'];
    runs.push({ milliseconds, buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] });
  }
  return {
    milliseconds: median(runs.map((run) => run.milliseconds)),
    buffers: median(runs.map((run) => run.buffers)),
    nodes: await scansOf(client, sql),
  };
}

export function printCosts(costs: Readonly<Record<string, SqlCost>>): void {
  const table = Object.entries(costs).map(([name, { milliseconds, buffers }]) => [
    name,
    { buffers, 'median ms': Number(milliseconds.toFixed(2)) },
  ]);
  console.table(Object.fromEntries(table));
  for (const [name, { nodes }] of Object.entries(costs)) console.log(`${name}:\n  ${nodes.join('\n  ')}`);
}

/** The plan is the one that ran, also inside of functions (auto_explain). */
async function scansOf(client: pg.Client, sql: string): Promise<string[]> {
  const scans = new Set<string>();
  const visit = (plan: Plan, under?: string): void => {
    const { 'Node Type': type, 'Index Name': index, 'Relation Name': relation = under } = plan;
    const isScan = plan['Relation Name'] || type === 'Bitmap Index Scan';
    if (isScan) scans.add([type, index, 'on', relation].filter(Boolean).join(' '));
    for (const child of plan.Plans ?? []) visit(child, plan['Relation Name'] as string | undefined);
  };
  const listen = ({ message = '' }: { message?: string }): void => {
    if (message.includes('plan:')) visit(JSON.parse(message.slice(message.indexOf('{'))).Plan);
  };
  client.on('notice', listen);
  await client.query(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_format = json; set client_min_messages = log`);
  await client.query(sql);
  await client.query('set auto_explain.log_min_duration = -1; reset client_min_messages');
  client.off('notice', listen);
  return [...scans];
}
