import type { Resolved } from './alarm-plan.ts';
import { functionArn, ONLY_VERSION } from './template-scope.ts';

/** The name of the function that each ARN leads to: its own, its version's, and those of its aliases. */
export type FunctionTargets = ReadonlyMap<string, string>;

export function functionTargets(functions: readonly { readonly name: string }[], aliases: readonly Resolved[]) {
  const targets = new Map<string, string>();
  for (const { name } of functions) {
    targets.set(functionArn(name), name).set(`${functionArn(name)}:${ONLY_VERSION}`, name);
  }
  for (const [logicalId, { FunctionName, Name }] of aliases) {
    const name = targets.get(functionArn(String(FunctionName)));
    if (!name) throw new Error(`${logicalId}: its function ${FunctionName} is not in the template`);
    targets.set(`${functionArn(name)}:${Name}`, name);
  }
  return targets;
}
