import { hostname, userInfo } from 'node:os';
import { GetRestApisCommand } from '@aws-sdk/client-api-gateway';
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { connectDatabase, type Database } from '../lambdas/shared/database.ts';
import { readAll, readSecrets, readSettings, type Secrets, type Settings } from '../lib/settings.ts';
import { type Clients, createClients } from './clients.ts';
import { asUsage } from './exit-code.ts';
import { type LocalFacts, readLocalFacts } from './local-facts.ts';
import { createOutput, type Output } from './output.ts';
import { outspokenFetch } from './outspoken-fetch.ts';
import { connectRest, type Rest } from './rest.ts';

type Variables = Record<string, string | undefined>;

/** The options that every operator's command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly local?: boolean;
  readonly apiUrl?: string;
}

/** What a command works with, made once: a deployed stack or the local system, and the way to its operator. */
export interface Context {
  readonly output: Output;
  readonly isLocal: boolean;
  readonly settings: Settings;
  readonly stage: string;
  readonly clients: Clients;
  readonly supabaseUrl: string;
  /** @throws UsageError without a usable SUPABASE_SERVICE_KEY */
  readonly secrets: () => Secrets;
  readonly database: () => Database;
  readonly rest: () => Rest;
  /** With a publishable key, to see that it may do nothing; undefined where there is none. */
  readonly anonRest?: Rest;
  readonly queueUrl: () => Promise<string>;
  readonly dlqUrl: () => Promise<string>;
  /** The API's address, without a slash at its end. */
  readonly apiUrl: () => Promise<string>;
  /** Who asked, for the record: user@host. */
  readonly askedBy: string;
}

/** Reads the environment and the env file. */
export type ReadVariables = (options: Pick<CommonOptions, 'local'>) => Variables;

export interface OpenOptions extends CommonOptions {
  /** The command is of no use without the secret key: that it is missing is told with all else that is. */
  readonly needsSecrets?: boolean;
}

export type OpenContext = (options: OpenOptions) => Context;

/** @throws UsageError that lists every setting that is missing or wrong */
export function openContext(variables: Variables, options: OpenOptions): Context {
  const facts = options.local ? readLocalFacts(variables) : undefined;
  const read = () => (options.needsSecrets ? readAll(variables).settings : readSettings(variables));
  const settings = facts ? localSettings(facts) : asUsage(read);
  const clients = createClients(settings.AWS_DEFAULT_REGION, facts?.endpoints);
  const supabaseUrl = facts?.supabaseUrl ?? settings.SUPABASE_URL;
  const secrets = (): Secrets =>
    facts ? { SUPABASE_SERVICE_KEY: facts.serviceKey } : asUsage(() => readSecrets(variables));
  const serviceKey = () => secrets().SUPABASE_SERVICE_KEY;
  const anonKey = facts ? facts.anonKey : variables['SUPABASE_ANON_KEY'];
  const apiUrl = options.apiUrl ?? facts?.apiUrl ?? variables['API_URL'];
  return {
    output: createOutput({ isJson: options.json === true }),
    isLocal: facts !== undefined,
    settings,
    stage: settings.STAGE,
    clients,
    supabaseUrl,
    secrets,
    database: () => connectDatabase({ url: supabaseUrl, key: serviceKey(), fetch: outspokenFetch }),
    rest: () => connectRest(supabaseUrl, serviceKey()),
    anonRest: anonKey ? connectRest(supabaseUrl, anonKey) : undefined,
    queueUrl: async () => facts?.queueUrl ?? settings.SQS_QUEUE_URL ?? findQueue('jobs', settings, clients),
    dlqUrl: async () => facts?.dlqUrl ?? settings.SQS_DLQ_URL ?? findQueue('dead-letters', settings, clients),
    apiUrl: async () => (apiUrl || (await findApi(settings, clients))).replace(/\/+$/, ''),
    askedBy: askedBy(),
  };
}

function askedBy(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 200);
  } catch {
    return `unknown@${hostname()}`.slice(0, 200); // a container's user id may have no name
  }
}

/** The local system runs with every setting's default, whatever .env says. */
function localSettings({ stage, region }: LocalFacts): Settings {
  return readSettings({ STAGE: stage, AWS_DEFAULT_REGION: region, SUPABASE_URL: 'https://local.supabase.co' });
}

async function findQueue(name: string, settings: Settings, { sqs }: Clients): Promise<string> {
  const { STAGE, AWS_DEFAULT_REGION: region } = settings;
  const QueueName = `queuekeeper-${STAGE}-${name}`;
  try {
    return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? '';
  } catch (cause) {
    throw new Error(`cannot find the queue ${QueueName} in ${region}`, { cause });
  }
}

async function findApi(settings: Settings, { apiGateway }: Clients): Promise<string> {
  const { STAGE, AWS_DEFAULT_REGION: region, API_DOMAIN_NAME: domain } = settings;
  if (domain) return `https://${domain}`;
  const name = `queuekeeper-${STAGE}`;
  for (let position: string | undefined, isFirst = true; isFirst || position; isFirst = false) {
    const page = await apiGateway.send(new GetRestApisCommand({ position, limit: 500 }));
    const found = page.items?.find((api) => api.name === name);
    if (found) return `https://${found.id}.execute-api.${region}.amazonaws.com/prod`;
    position = page.position;
  }
  throw new Error(
    `there is no REST API named ${name} in ${region}: deploy the stack, or say where it is (--api-url URL, or API_URL in .env)`,
  );
}
