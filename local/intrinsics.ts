/** CloudFormation's intrinsic functions, as far as our templates use them. */

export type Scope = {
  /** Pseudo parameters and template parameters, by name. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What Ref and GetAtt of a resource give: the attribute `Ref` is the one that Ref gives. */
  attribute(logicalId: string, attribute: string): string;
};

/** Resolves every intrinsic in a value. One that is not understood is an error that names it and its place. */
export function resolve(value: unknown, scope: Scope, place: string): unknown {
  if (Array.isArray(value)) return value.map((item, index) => resolve(item, scope, `${place}[${index}]`));
  if (value === null || typeof value !== 'object') return value;
  const [[key, argument] = [], ...more] = Object.entries(value);
  if (key && more.length === 0 && (key === 'Ref' || key === 'Condition' || key.startsWith('Fn::'))) {
    const intrinsic = intrinsics[key];
    if (!intrinsic) throw new Error(`${place}: the local system does not understand ${key}`);
    return intrinsic(argument, scope, place);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, resolve(item, scope, `${place}.${name}`)]),
  );
}

type Intrinsic = (argument: unknown, scope: Scope, place: string) => unknown;

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, scope) => reference(String(name), scope),
  'Fn::GetAtt': (argument, scope) => {
    const [logicalId = '', ...path] = Array.isArray(argument) ? argument : String(argument).split('.');
    return scope.attribute(logicalId, path.join('.'));
  },
  'Fn::Join': (argument, scope, place) => {
    const [separator, items] = argument as [string, unknown];
    return (resolve(items, scope, place) as unknown[]).join(separator);
  },
  'Fn::Select': (argument, scope, place) => {
    const [index, items] = resolve(argument, scope, place) as [string | number, unknown[]];
    const selected = items[Number(index)];
    if (selected === undefined)
      throw new Error(`${place}: Fn::Select ${index} is outside of the ${items.length} items`);
    return selected;
  },
  'Fn::Split': (argument, scope, place) => {
    const [separator, text] = resolve(argument, scope, place) as [string, string];
    return text.split(separator);
  },
  'Fn::Sub': (argument, scope, place) => {
    const [text, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [
      string,
      Record<string, unknown>,
    ];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (Object.hasOwn(variables, name)) return String(resolve(variables[name], scope, place));
      return reference(name, scope);
    });
  },
};

/** A name as Ref takes it, or `Resource.Attribute` as Fn::Sub also takes it. */
function reference(name: string, scope: Scope): string {
  const parameter = scope.parameters[name];
  if (parameter !== undefined) return parameter;
  const [logicalId = '', ...path] = name.split('.');
  return scope.attribute(logicalId, path.length > 0 ? path.join('.') : 'Ref');
}
