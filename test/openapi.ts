import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

/** An answer of the API as a client sees it. */
export interface ApiAnswer {
  readonly method: string;
  /** As the contract has it, such as /api/queue/{customerId}; any other for a path that nothing is at. */
  readonly path: string;
  readonly status: number;
  readonly headers: ConstructorParameters<typeof Headers>[0];
  readonly body: string;
}

type Node = Record<string, unknown>;
/** A part of the contract, and where it stands there: references in it are understood from its root only. */
type Place = { readonly node: Node; readonly pointer: string };

/** What the transport and the gateway add to every answer. */
const TRANSPORT = /^(date|connection|keep-alive|content-(type|length)|transfer-encoding|via|x-cache|x-amz.*)$/;

export const contract: Node = parse(readFileSync(new URL('../docs/openapi.yaml', import.meta.url), 'utf8'));
const bodies = validators({ coerceTypes: false });
/** A header is text, also where it holds a number. */
const texts = validators({ coerceTypes: true });

function validators(options: { coerceTypes: boolean }) {
  // strict: a misspelt keyword in the contract would check nothing.
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false, ...options });
  addFormats.default(ajv);
  // The whole document is taken in, so that its references lead somewhere; around the schemas it is no schema.
  ajv.addVocabulary(Object.keys(contract));
  return ajv.addSchema(contract, 'contract');
}

/** In what the answer is other than docs/openapi.yaml says; nothing when it is as promised. */
export function violations({ method, path, status, headers, body }: ApiAnswer): string[] {
  const response = responseOf(method.toLowerCase(), path, status);
  if (!response) return [`${method} ${path}: the contract knows no ${status}`];
  const sent = new Headers(headers);
  const found = [...headerViolations(response, sent), ...bodyViolations(response, sent, method, status, body)];
  return found.map((violation) => `${method} ${path} ${status}: ${violation}`);
}

/** Of a path or method that is not in the contract, only the refusal is. */
function responseOf(method: string, path: string, status: number): Place | undefined {
  const item = step(step({ node: contract, pointer: '' }, 'paths'), path);
  if (!item) return status === 404 ? at('/components/responses/NotFound') : undefined;
  const operation = step(item, method);
  if (!operation) return status === 405 ? at('/components/responses/MethodNotAllowed') : undefined;
  return step(step(operation, 'responses'), String(status));
}

function headerViolations(response: Place, sent: Headers): string[] {
  const promised = step(response, 'headers');
  const names = Object.keys(promised?.node ?? {});
  const known = new Set(names.map((name) => name.toLowerCase()));
  const unknown = [...sent.keys()].filter((name) => !known.has(name) && !TRANSPORT.test(name));
  return [
    ...unknown.map((name) => `the contract knows no header ${name}`),
    ...names.flatMap((name) => {
      const header = step(promised, name);
      const value = sent.get(name);
      if (value === null) return header?.node['required'] ? [`the header ${name} is missing`] : [];
      return mismatches(step(header, 'schema'), value, texts).map((error) => `header ${name} "${value}": ${error}`);
    }),
  ];
}

function bodyViolations(response: Place, sent: Headers, method: string, status: number, body: string): string[] {
  const content = step(response, 'content');
  if (!content || method === 'HEAD') return body === '' ? [] : ['the contract knows no body'];
  const type = sent.get('content-type')?.split(';')[0] ?? '';
  const schema = step(step(content, type), 'schema');
  if (!schema) return [`the contract knows no content type "${type}"`];
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return ['the body is no JSON'];
  }
  const isOther = type === 'application/problem+json' && (value as Node)?.['status'] !== status;
  return [...mismatches(schema, value), ...(isOther ? ['the body names another status'] : [])];
}

/**
 * How the value is other than a schema of the contract says.
 * @throws when there is no such schema, or none that makes sense
 */
export function mismatches(schema: Place | undefined, value: unknown, ajv = bodies): string[] {
  const pointer = schema?.pointer.split('/').map(encodeURIComponent).join('/');
  const validate = pointer === undefined ? undefined : ajv.getSchema(`contract#${pointer}`);
  if (!validate) throw new Error(`the contract has no schema at ${schema?.pointer ?? 'a place where one is wanted'}`);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(describeError);
}

function describeError({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`;
}

function step(place: Place | undefined, name: string): Place | undefined {
  if (!place || !Object.hasOwn(place.node, name)) return undefined;
  const node = place.node[name] as Node;
  const reference = node?.['$ref'];
  // References between schemas are the validator's to follow.
  if (typeof reference === 'string' && name !== 'schema') return at(reference.slice(1));
  return { node, pointer: `${place.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` };
}

/** @throws when nothing is there: a reference of the contract leads nowhere */
export function at(pointer: string): Place {
  const names = pointer.split('/').slice(1);
  const place = names.reduce<Place | undefined>(
    (from, name) => step(from, name.replaceAll('~1', '/').replaceAll('~0', '~')),
    { node: contract, pointer: '' },
  );
  if (!place) throw new Error(`the contract has nothing at ${pointer}`);
  return place;
}
