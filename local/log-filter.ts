import { AwsError } from './aws-error.ts';

/**
 * A filter pattern of CloudWatch Logs as a predicate, as far as operators use them: terms that must all be there,
 * `?terms` of which one must be, and `{ $.field = "text" }` joined by && or by ||. Another one is an error.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function logFilter(pattern: string): (message: string) => boolean {
  const trimmed = pattern.trim();
  return trimmed.startsWith('{') ? jsonFilter(trimmed) : termFilter(trimmed);
}

function termFilter(pattern: string): (message: string) => boolean {
  const terms = [...pattern.matchAll(/(\??)(?:"([^"]*)"|([^\s"]+))/g)].map(([, any, quoted, bare = '']) => ({
    isAny: any === '?',
    text: quoted ?? bare,
  }));
  const all = terms.filter(({ isAny }) => !isAny);
  const any = terms.filter(({ isAny }) => isAny);
  return (message) =>
    all.every(({ text }) => message.includes(text)) &&
    (any.length === 0 || any.some(({ text }) => message.includes(text)));
}

function jsonFilter(pattern: string): (message: string) => boolean {
  const inner = pattern.replace(/^\{|\}$/g, '');
  const joint = inner.includes('||') ? '||' : '&&';
  const conditions = inner.split(joint).map((text) => condition(text, pattern));
  return (message) => {
    const fields = parse(message);
    if (!fields) return false;
    return joint === '||' ? conditions.some((holds) => holds(fields)) : conditions.every((holds) => holds(fields));
  };
}

type Fields = Record<string, unknown>;

function condition(text: string, pattern: string): (fields: Fields) => boolean {
  const [, path = '', operator, quoted, bare] =
    /^[\s(]*\$\.([\w.]+)\s*(!?=)\s*(?:"([^"]*)"|([\w.-]+))[\s)]*$/.exec(text) ?? [];
  if (!operator) {
    throw new AwsError('InvalidParameterException', `The local system does not understand the filter ${pattern}`);
  }
  return (fields) => {
    let value: unknown = fields;
    for (const name of path.split('.')) value = (value as Fields | undefined)?.[name];
    return (String(value) === (quoted ?? bare)) === (operator === '=');
  };
}

function parse(message: string): Fields | undefined {
  try {
    return Object(JSON.parse(message));
  } catch {
    return undefined;
  }
}
