import { AwsV4Signer } from 'aws4fetch';

/** SSM did not answer, or it answered that there is no such parameter, or none that this function may read. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
  readonly isMissing: boolean;

  constructor(message: string, { isMissing = false, cause }: { isMissing?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isMissing = isMissing;
  }
}

/** Whether this error, or what caused it, is that there is no such parameter. */
export function isMissing(error: unknown): boolean {
  if (error instanceof ParameterError) return error.isMissing;
  return error instanceof Error && error.cause !== undefined && isMissing(error.cause);
}

/**
 * Reads one SSM parameter, decrypted, by a signed request. The SDK's client would do the same, and take most of the cold start
 * of a function that needs nothing else of it (docs/decisions/006-secrets-without-the-sdk.md).
 * Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
 * @throws ParameterError
 */
export async function readParameter(name: string, timeoutMs: number): Promise<string> {
  const { url, ...request } = await sign(JSON.stringify({ Name: name, WithDecryption: true }));
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutMs) });
    const answer = await response.json();
    if (response.ok) return (answer as { Parameter: { Value: string } }).Parameter.Value;
    const { __type: type = '', message, Message } = answer as Record<string, string | undefined>;
    throw new ParameterError(message ?? Message ?? `HTTP ${response.status} ${type}`, {
      isMissing: type.endsWith('ParameterNotFound'),
    });
  } catch (error) {
    if (error instanceof ParameterError) throw error;
    throw new ParameterError((error as Error).message, { cause: error });
  }
}

/** With the credentials of the function's role, which Lambda puts in the environment. */
async function sign(body: string) {
  const region = process.env['AWS_REGION'] ?? '';
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const signed = await new AwsV4Signer({
    method: 'POST',
    url: process.env['AWS_ENDPOINT_URL_SSM'] ?? `https://ssm.${region}.${suffix}/`,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' },
    body,
    service: 'ssm',
    region,
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: process.env['AWS_SESSION_TOKEN'],
  }).sign();
  return { url: signed.url, method: signed.method, headers: signed.headers, body };
}
