/** The variables that API Gateway knows of a request, by which its templates and headers are filled. */
export type GatewayContext = {
  readonly accountId: string;
  readonly apiId: string;
  readonly domainName: string;
  readonly domainPrefix: string;
  readonly extendedRequestId: string;
  readonly httpMethod: string;
  readonly identity: Readonly<Record<string, string | null>>;
  readonly path: string;
  readonly protocol: string;
  readonly requestId: string;
  readonly requestTime: string;
  readonly requestTimeEpoch: number;
  readonly resourceId: string;
  readonly resourcePath: string;
  readonly stage: string;
  readonly deploymentId: string;
  /** Of what the gateway itself refuses. */
  readonly error?: {
    readonly message: string;
    readonly messageString: string;
    readonly responseType: string;
    readonly validationErrorString: string;
  };
};

/** Templates of a body by its media type. */
export type Templates = Readonly<Record<string, string>>;

const VARIABLE = /\$context\.([\w.]*\w)/g;

const KNOWN = new Set([
  ...['accountId', 'apiId', 'deploymentId', 'domainName', 'domainPrefix', 'extendedRequestId', 'httpMethod'],
  ...['path', 'protocol', 'requestId', 'requestTime', 'requestTimeEpoch', 'resourceId', 'resourcePath', 'stage'],
  ...['identity.apiKeyId', 'identity.sourceIp', 'identity.userAgent'],
  ...['error.message', 'error.messageString', 'error.responseType', 'error.validationErrorString'],
]);

/** Refuses a template that needs more than variables of the context: the local system has no template engine. */
export function assertVariables(template: string, place: string): void {
  const unknown = [...template.matchAll(VARIABLE)].find(([, name = '']) => !KNOWN.has(name))?.[0];
  const directive = /#\w+|\$(?!context\.)[\w{]+/.exec(template)?.[0];
  const first = unknown ?? directive;
  if (first) throw new Error(`${place}: the local system does not understand ${first} in a template`);
}

/** Puts the variables into a template; one that has no value leaves nothing. */
export function fill(template: string, context: GatewayContext): string {
  return template.replace(VARIABLE, (_whole, name: string) => variable(name, context));
}

function variable(name: string, context: GatewayContext): string {
  let value: unknown = context;
  for (const part of name.split('.')) value = (value as Record<string, unknown> | undefined | null)?.[part];
  return value === undefined || value === null ? '' : String(value);
}

/** The value of a header that a template maps: a fixed text in single quotes, or a variable of the context. */
export function mappedValue(expression: string, context: GatewayContext): string {
  const [, text] = /^'(.*)'$/s.exec(expression) ?? [];
  if (text !== undefined) return text;
  const [, name] = /^context\.([\w.]+)$/.exec(expression) ?? [];
  if (name && KNOWN.has(name)) return variable(name, context);
  throw new Error(`The local system does not understand the mapping ${expression} of a header`);
}

/** A template as API Gateway chooses it: what the client accepts, else JSON, else the first one. */
export function chooseTemplate(templates: Templates, accept: string | undefined) {
  const types = Object.keys(templates);
  const type = types.find((one) => one === accept) ?? types.find((one) => one === 'application/json') ?? types[0];
  return type === undefined ? undefined : { type, template: templates[type] as string };
}
