import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { expect } from '@jest/globals';
import { type LocalSystem, type SystemOptions, startSystem } from '../../local/system.ts';
import { violations } from '../openapi.ts';

/** Headers of a proxy before the API, so that one machine can be many callers. */
export const PROXY = { addressHeader: 'x-client-address', secretHeader: 'x-proxy-secret', secret: 'p'.repeat(32) };
export const PROXY_SETTINGS = { PROXY_ADDRESS_HEADER: PROXY.addressHeader, PROXY_SECRET_HEADER: PROXY.secretHeader };

export type Asking = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** The value of an API key. */
  readonly key?: string;
  /** The address that our proxy would give; undefined: no proxy. */
  readonly from?: string;
};

export type Answered = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON of the body. */
  readonly json: Record<string, unknown>;
  readonly ms: number;
};

export type Ask = (path: string, asking?: Asking) => Promise<Answered>;

/** A system whose proxy is known, with nothing running on a schedule. */
export async function startApiSystem(options: SystemOptions = {}): Promise<LocalSystem> {
  const system = await startSystem({ schedules: false, ...options });
  system.ssm.set('/queuekeeper/local/proxy-secret', PROXY.secret);
  return system;
}

/** Asks the API, with the path sent as it is; that every answer is one of docs/openapi.yaml is part of every test. */
export function clientOf({ apiUrl }: Pick<LocalSystem, 'apiUrl'>): Ask {
  return async (path, asking = {}) => {
    const { method = 'GET' } = asking;
    const startedAt = Date.now();
    const { status, headers, text } = await send(apiUrl, path, asking);
    const ms = Date.now() - startedAt;
    const answer = {
      method,
      path: pathOfContract(path),
      status,
      headers: headers as Record<string, string>,
      body: text,
    };
    expect(violations(answer)).toEqual([]);
    return { status, headers, text, json: text === '' ? {} : JSON.parse(text), ms };
  };
}

/** Asks `count` times, at most so many at once; answers come in the order of the questions. */
export async function askMany(count: number, atOnce: number, one: (index: number) => Promise<Answered>) {
  const answers: Answered[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      answers[index] = await one(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return answers;
}

/** How many answers had each status. */
export function statusesOf(answers: readonly Answered[]): Record<number, number> {
  const groups = Map.groupBy(answers, ({ status }) => status);
  return Object.fromEntries([...groups].map(([status, those]) => [status, those.length]));
}

/** A new key in a usage plan, such as "starter". */
export function aKey({ apiKeys, plan }: LocalSystem, planName = 'starter') {
  const usagePlan = plan.api?.usagePlans.find(({ name }) => name === `queuekeeper-local-${planName}`);
  if (!apiKeys || !usagePlan) throw new Error(`the template has no usage plan ${planName}`);
  const key = apiKeys.create({ name: `a key of ${planName}` });
  apiKeys.change(key, { planId: usagePlan.id });
  return key;
}

function pathOfContract(path: string): string {
  const [plain = ''] = path.split('?');
  return /^\/api\/queue\/[^/]+\/?$/.test(plain) ? '/api/queue/{customerId}' : plain.replace(/\/$/, '');
}

function send(apiUrl: string, path: string, { method = 'GET', headers, body, key, from }: Asking) {
  const all = {
    ...(key !== undefined && { 'x-api-key': key }),
    ...(from !== undefined && { [PROXY.addressHeader]: from, [PROXY.secretHeader]: PROXY.secret }),
    ...headers,
  };
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(apiUrl);
    const request = httpRequest({ hostname, port, path, method, headers: all }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    request.once('error', reject);
    request.end(body);
  });
}
