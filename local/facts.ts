import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** Writes the facts for their owner alone, as keys are among them. Answers what takes them away again. */
export function writeFacts(system: LocalSystem, file = FACTS_FILE): () => void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(factsOf(system), null, 2)}\n`, { mode: 0o600 });
  return () => rmSync(file, { force: true });
}
