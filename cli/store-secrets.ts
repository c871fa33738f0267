import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { secretNames } from '../lib/constructs/secret-parameter.ts';
import type { Secrets, Settings } from '../lib/settings.ts';

export interface StoreOptions {
  /** @default AWS, in the stack's region */
  readonly client?: SSMClient;
  /** Compare only. @default false */
  readonly isDryRun?: boolean;
}

/**
 * Writes the secrets as SSM SecureStrings, where the functions read them; what has not changed is left alone.
 * @returns the names of the parameters that were written, or would be
 */
export async function storeSecrets(
  settings: Pick<Settings, 'STAGE' | 'AWS_DEFAULT_REGION'>,
  secrets: Secrets,
  { client, isDryRun = false }: StoreOptions = {},
): Promise<string[]> {
  const ssm = client ?? new SSMClient({ region: settings.AWS_DEFAULT_REGION });
  const names = secretNames(settings.STAGE);
  const wanted = new Map([
    [names.serviceKey, secrets.SUPABASE_SERVICE_KEY],
    [names.slackWebhook, secrets.SLACK_WEBHOOK_URL],
    [names.proxySecret, secrets.PROXY_SECRET],
  ]);
  const changed: string[] = [];
  for (const [Name, Value] of wanted) {
    if (!Value || (await readParameter(ssm, Name)) === Value) continue;
    if (!isDryRun) await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
    changed.push(Name);
  }
  return changed;
}

/** @returns undefined where there is no such parameter */
export async function readParameter(ssm: SSMClient, Name: string): Promise<string | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
    return Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw new Error(`cannot read the parameter ${Name} in AWS: ${(error as Error).message}`, { cause: error });
  }
}
