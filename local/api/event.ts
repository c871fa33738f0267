import type { GatewayContext } from './context.ts';
import type { ApiRequest } from './request.ts';

/** Headers that end at the gateway. */
const DROPPED = new Set([
  ...['connection', 'content-length', 'content-md5', 'expect', 'max-forwards', 'proxy-authenticate', 'server', 'te'],
  ...['trailer', 'transfer-encoding', 'upgrade', 'www-authenticate'],
]);

export type EventParts = {
  readonly request: ApiRequest;
  readonly body: Buffer;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>> | null;
  readonly context: GatewayContext;
};

/**
 * What a function behind a REST API is called with. The path and its parameters are as the client encoded them; the
 * query is decoded.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html, and for
 * the encoding https://github.com/aws/aws-sam-cli/issues/771 and https://github.com/serverless/serverless/issues/5037
 */
export function proxyEvent({ request, body, pathParameters, stageVariables, context }: EventParts): object {
  const headers = forwarded(request);
  return {
    resource: context.resourcePath,
    path: request.path,
    httpMethod: request.method,
    headers: orNull(Object.fromEntries(headers)),
    multiValueHeaders: orNull(collect(headers)),
    queryStringParameters: orNull(Object.fromEntries(request.query)),
    multiValueQueryStringParameters: orNull(collect(request.query)),
    pathParameters: orNull(pathParameters),
    stageVariables,
    requestContext: context,
    ...bodyOf(body),
  };
}

type Pairs = readonly (readonly [name: string, value: string])[];

/** What the gateway adds itself stands last, and wins. */
function forwarded({ headers, sourceIp }: ApiRequest): Pairs {
  const given = headers.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value);
  const kept = headers.filter(
    ([name]) => !DROPPED.has(name.toLowerCase()) && !/^x-forwarded-(for|port|proto)$/i.test(name),
  );
  return [
    ...kept,
    ['X-Forwarded-For', [...given, sourceIp].join(', ')],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Proto', 'https'],
  ];
}

function collect(pairs: Pairs): Record<string, string[]> {
  return Object.fromEntries(
    Map.groupBy(pairs, ([name]) => name)
      .entries()
      .map(([name, all]) => [name, all.map(([, value]) => value)]),
  );
}

function orNull<T extends object>(record: T): T | null {
  return Object.keys(record).length > 0 ? record : null;
}

function bodyOf(body: Buffer): { body: string | null; isBase64Encoded: boolean } {
  if (body.length === 0) return { body: null, isBase64Encoded: false };
  return { body: body.toString('utf8'), isBase64Encoded: false };
}
