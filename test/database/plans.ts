import type pg from 'pg';

export type Plan = {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Filter?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
};

/** Lets Postgres tell the plans of all that a connection of a superuser runs from now on. */
export async function explainAll(client: pg.Client): Promise<void> {
  await client.query(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on;
    set auto_explain.log_buffers = on;
    set auto_explain.log_format = json;
    set client_min_messages = log`);
}

/** The plans that Postgres really ran, also those inside of functions. */
export async function plansOf(client: pg.Client, sql: string): Promise<Plan[]> {
  const plans: Plan[] = [];
  const listen = ({ message = '' }: { message?: string }) => {
    const json = message.slice(message.indexOf('{'));
    if (message.includes('plan:')) plans.push(JSON.parse(json).Plan);
  };
  client.on('notice', listen);
  await client.query(sql);
  client.off('notice', listen);
  return plans;
}

export function scansOf(plans: Plan[]): Plan[] {
  const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
  return plans.flatMap(nodesOf).filter((node) => node['Node Type'].includes('Scan'));
}

export const buffersOf = (plan: Plan) => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
