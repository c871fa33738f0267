import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Template = {
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Resources: Readonly<Record<string, Resource>>;
};

export type Resource = {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
};

/** A synthesized stack: its template, and the directory of each asset by its object key. */
export type Assembly = {
  readonly stackName: string;
  readonly template: Template;
  readonly assets: Readonly<Record<string, string>>;
};

/** Reads the one stack that a cloud assembly directory holds. */
export function readAssembly(directory: string): Assembly {
  const read = (file: string) => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const artifacts = Object.entries<{ type: string; properties: { templateFile: string; stackName?: string } }>(
    read('manifest.json').artifacts,
  );
  const stacks = artifacts.filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const [stack] = stacks;
  if (!stack || stacks.length > 1)
    throw new Error(`${directory} holds ${stacks.length} stacks; the local system runs 1`);
  const [id, { properties }] = stack;

  const assets: Record<string, string> = {};
  const files = read(`${id}.assets.json`).files as Record<
    string,
    { source: { path?: string }; destinations: Record<string, { objectKey: string }> }
  >;
  for (const { source, destinations } of Object.values(files)) {
    for (const { objectKey } of Object.values(destinations)) assets[objectKey] = join(directory, source.path ?? '');
  }
  return { stackName: properties.stackName ?? id, template: read(properties.templateFile), assets };
}
