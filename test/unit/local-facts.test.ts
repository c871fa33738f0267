import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readLocalFacts } from '../../cli/local-facts.ts';
import { writeFacts } from '../../local/facts.ts';
import type { LocalSystem } from '../../local/system.ts';

const SYSTEM = {
  stage: 'local',
  apiUrl: 'http://127.0.0.1:3000',
  supabaseUrl: 'http://127.0.0.1:3000',
  databaseUrl: 'postgres://postgres:postgres@127.0.0.1:5432/queuekeeper',
  sqsEndpoint: 'http://127.0.0.1:1',
  queueUrl: 'http://127.0.0.1:1/000000000000/jobs',
  dlqUrl: 'http://127.0.0.1:1/000000000000/dead',
  serviceKey: 'sb_secret_x',
  anonKey: 'sb_publishable_x',
  controlEndpoint: 'http://127.0.0.1:2',
  ssm: { endpoint: 'http://127.0.0.1:3' },
  apiKeys: { list: () => [{ value: 'the-first-key' }] },
} as unknown as LocalSystem;

it('the facts of a running system are what the commands read, for its owner alone, and are gone after it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'queuekeeper-facts-'));
  const file = join(directory, 'deeper', 'system.json');
  const remove = writeFacts(SYSTEM, file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ apiKey: 'the-first-key' });
  expect(readLocalFacts({ QUEUEKEEPER_LOCAL_SYSTEM: file })).toMatchObject({
    apiUrl: 'http://127.0.0.1:3000',
    stage: 'local',
    region: 'us-east-1',
    endpoints: { ssm: 'http://127.0.0.1:3', apigateway: 'http://127.0.0.1:2', cloudwatch: 'http://127.0.0.1:2' },
  });
  remove();
  expect(existsSync(file)).toBe(false);
  rmSync(directory, { recursive: true });
});
