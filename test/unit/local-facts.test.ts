import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readLocalFacts } from '../../cli/local-facts.ts';
import { factsOf, writeFacts } from '../../local/facts.ts';
import { close, freePort, listen } from '../../local/loopback.ts';
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

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'queuekeeper-facts-'));
  file = join(directory, 'deeper', 'system.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** As if another process had written them. */
function foreignFacts(pid: number | undefined, apiUrl: string): string {
  const text = JSON.stringify({ ...factsOf(SYSTEM), apiUrl, pid });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return text;
}

it('the facts of a running system are what the commands read, for its owner alone, and are gone after it', async () => {
  const { refusal, remove } = await writeFacts(SYSTEM, file);
  expect(refusal).toBeUndefined();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ apiKey: 'the-first-key', pid: process.pid });
  expect(readLocalFacts({ QUEUEKEEPER_LOCAL_SYSTEM: file })).toMatchObject({
    apiUrl: 'http://127.0.0.1:3000',
    stage: 'local',
    region: 'us-east-1',
    endpoints: { ssm: 'http://127.0.0.1:3', apigateway: 'http://127.0.0.1:2', cloudwatch: 'http://127.0.0.1:2' },
  });
  remove();
  expect(existsSync(file)).toBe(false);
});

it('the facts of another system that is running stay as they are', async () => {
  const server = createServer((_request, response) => response.end());
  const apiUrl = `http://127.0.0.1:${await listen(server, 0)}`;
  const text = foreignFacts(process.ppid, apiUrl);
  const { refusal, remove } = await writeFacts(SYSTEM, file);
  expect(refusal).toContain(`already running at ${apiUrl} (pid ${process.ppid}): --local speaks to it`);
  remove();
  expect(readFileSync(file, 'utf8')).toBe(text);
  await close(server);
});

it('a system takes away no facts but its own', async () => {
  const { remove } = await writeFacts(SYSTEM, file);
  const text = foreignFacts(process.ppid, 'http://127.0.0.1:3001');
  remove();
  expect(readFileSync(file, 'utf8')).toBe(text);
});

it.each([
  ['whose process is gone', () => spawnSync('true').pid],
  ['whose process id is another program’s by now', () => process.ppid],
  ['that name no process', () => undefined],
])('facts %s are written over', async (_what, pid) => {
  foreignFacts(pid(), `http://127.0.0.1:${await freePort()}`);
  expect((await writeFacts(SYSTEM, file)).refusal).toBeUndefined();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ apiUrl: SYSTEM.apiUrl, pid: process.pid });
});
