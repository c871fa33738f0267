import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive } from './is-alive.ts';
import type { LocalSystem } from './system.ts';
import { REGION } from './template-scope.ts';

/** Where the operator's commands look for a running local system. */
const FACTS_FILE = join(import.meta.dirname, '..', '.local', 'system.json');

/** All that another program needs to work with a running system. */
export function factsOf(system: LocalSystem) {
  const { apiUrl, supabaseUrl, serviceKey, anonKey, databaseUrl, queueUrl, dlqUrl, controlEndpoint } = system;
  return {
    ...{ apiUrl, supabaseUrl, serviceKey, anonKey, databaseUrl, queueUrl, dlqUrl },
    endpoints: {
      sqs: system.sqsEndpoint,
      ssm: system.ssm.endpoint,
      apigateway: controlEndpoint,
      cloudwatch: controlEndpoint,
      logs: controlEndpoint,
    },
    stage: system.stage,
    region: REGION,
    apiKey: firstApiKey(system),
  };
}

export function firstApiKey({ apiKeys }: LocalSystem): string | undefined {
  return apiKeys?.list()[0]?.value;
}

export type WrittenFacts = {
  /** Why they were not written. */
  readonly refusal?: string;
  /** Takes them away again, where they are ours. */
  remove(): void;
};

/** Writes the facts for their owner alone, as keys are among them, and never over those of another running system. */
export async function writeFacts(system: LocalSystem, file = FACTS_FILE): Promise<WrittenFacts> {
  const other = readOwner(file);
  if (other && (await isRunning(other))) {
    const { apiUrl, pid } = other;
    const refusal = `A local system is already running at ${apiUrl} (pid ${pid}): --local speaks to it; this one is not written down.`;
    return { refusal, remove: () => {} };
  }
  mkdirSync(dirname(file), { recursive: true });
  const facts = { ...factsOf(system), pid: process.pid };
  writeFileSync(file, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
  return {
    remove: () => {
      if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
    },
  };
}

type Owner = { readonly pid: number; readonly apiUrl: string };

/** Who wrote the file; undefined when nobody did, or nobody can say. */
function readOwner(file: string): Owner | undefined {
  try {
    const { pid, apiUrl } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner>;
    return pid && apiUrl ? { pid, apiUrl } : undefined;
  } catch {
    return undefined;
  }
}

/** After a crash the system may have given the process id to another program, so that its address is asked as well. */
async function isRunning({ pid, apiUrl }: Owner): Promise<boolean> {
  if (pid === process.pid || !isAlive(pid)) return false;
  return fetch(apiUrl, { signal: AbortSignal.timeout(1_000) }).then(
    () => true,
    // One that is busy or halted takes connections, and lives.
    (error: Error) => error.name === 'TimeoutError',
  );
}
