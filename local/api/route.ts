import type { MethodPlan } from './method-plan.ts';
import type { ResourcePlan } from './plan.ts';

export type Match = {
  readonly resource: ResourcePlan;
  /** As they stand in the path, percent signs and all. */
  readonly pathParameters: Readonly<Record<string, string>>;
};

/** The resource of a path: a fixed segment before a parameter, and that before a greedy one. A last slash does not count. */
export function matchResource(resources: readonly ResourcePlan[], path: string): Match | undefined {
  const segments = segmentsOf(path.replace(/\/$/, ''));
  const matches = resources.flatMap((resource) => {
    const pathParameters = matchSegments(segmentsOf(resource.path === '/' ? '' : resource.path), segments);
    return pathParameters ? [{ resource, pathParameters }] : [];
  });
  return matches.sort((a, b) => rank(a.resource.path).localeCompare(rank(b.resource.path)))[0];
}

/** A method of its own goes before ANY. HEAD is a method like every other. */
export function methodOf({ methods }: ResourcePlan, httpMethod: string): MethodPlan | undefined {
  return (
    methods.find((method) => method.httpMethod === httpMethod) ?? methods.find((method) => method.httpMethod === 'ANY')
  );
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1);
}

function matchSegments(template: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const [, name, greedy] = /^\{(.+?)(\+?)\}$/.exec(part) ?? [];
    const segment = greedy ? segments.slice(index).join('/') : segments[index];
    if (!segment || (name === undefined && segment !== part)) return undefined;
    if (name !== undefined) parameters[name] = segment;
    if (greedy) return parameters;
  }
  return template.length === segments.length ? parameters : undefined;
}

/** Sorts as the gateway prefers, segment by segment. */
function rank(path: string): string {
  return segmentsOf(path)
    .map((part) => (part.endsWith('+}') ? '2' : part.startsWith('{') ? '1' : '0'))
    .join('');
}
