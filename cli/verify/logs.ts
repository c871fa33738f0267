import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../context.ts';
import { monitorPeriods } from '../monitors.ts';
import { type Check, type CheckRun, Fault } from './check.ts';
import { readLog } from './log-events.ts';

const LAMBDAS = fileURLToPath(new URL('../../lambdas', import.meta.url));
/** What our logger writes, and what Lambda itself says of a run that it ended. */
const PATTERN = '?ERROR ?"Task timed out" ?"Runtime exited"';
/** The database's clock and that of the logs. */
const CLOCKS_DIFFER_MS = 1_000;

export const logs: Check = {
  name: 'Logs',
  needs: ['Settings', 'AWS'],
  follows: ['Database', 'Secrets', 'Slack', 'stale-job-monitor', 'dlq-monitor'],
  async run(run) {
    const { clients, stage } = run.context;
    const since = await lastRuns(run);
    const names = await deployedFunctions();
    const errors: string[] = [];
    for (const name of names) {
      const functionName = `queuekeeper-${stage}-${name}`;
      const query = { client: clients.logs, functionName, since: since.get(name) ?? run.startedAt, pattern: PATTERN };
      const lines = (await readLog(query))?.filter(isError);
      if (!lines) throw new Fault(`${functionName} has no log: it is not deployed`, 'npm run deploy');
      const [line] = lines;
      if (line) errors.push(`${functionName} (${lines.length}): ${gist(line)}`);
    }
    if (errors.length === 0) return `no ERROR of ${names.length} functions in their last runs`;
    throw new Fault(
      errors.join('; '),
      'Each message has its entry in docs/runbook.md. The whole log: aws logs tail /aws/lambda/NAME',
    );
  },
};

/** Since when a function's last run counts: a monitor's from its record, the others' from the beginning of this. */
async function lastRuns({ context }: CheckRun): Promise<Map<string, Date>> {
  const periods = [...monitorPeriods(context.settings)];
  return new Map(
    await Promise.all(
      periods.map(async ([name, periodMinutes]): Promise<[string, Date]> => {
        const startedAt = await lastStart(context, name).catch(() => undefined);
        // Without the database there is no record of runs: then the last period counts.
        return [name, startedAt ?? new Date(Date.now() - periodMinutes * 60_000)];
      }),
    ),
  );
}

async function lastStart({ rest }: Context, monitor: string): Promise<Date | undefined> {
  const query = `/monitor_runs?monitor=eq.${monitor}&order=finished_at.desc&limit=1&select=started_at`;
  const { json } = await rest().ask(query);
  const [run] = json as { started_at: string }[];
  return run && new Date(Date.parse(run.started_at) - CLOCKS_DIFFER_MS);
}

async function deployedFunctions(): Promise<string[]> {
  const folders = await readdir(LAMBDAS);
  return folders.filter((folder) => existsSync(join(LAMBDAS, folder, 'handler.ts'))).sort();
}

function isError(line: string): boolean {
  const level = levelOf(line);
  return level === undefined
    ? /\bERROR\b|Task timed out|Runtime exited/.test(line)
    : ['ERROR', 'CRITICAL'].includes(level);
}

function levelOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { level?: string }).level;
  } catch {
    return undefined;
  }
}

function gist(line: string): string {
  try {
    return String((JSON.parse(line) as { message?: string }).message ?? line).slice(0, 200);
  } catch {
    return line.trim().slice(0, 200);
  }
}
