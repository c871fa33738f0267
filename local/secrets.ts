import type { Ssm } from './ssm.ts';
import type { FunctionPlan } from './template.ts';

/** The end of an environment name that holds a secret's parameter name, never the secret. */
const PARAMETER = '_PARAMETER';

/** Puts each secret under the parameter name that the functions' environment gives. One unknown here is an error. */
export function fillParameters(
  ssm: Ssm,
  functions: readonly FunctionPlan[],
  secrets: Readonly<Record<string, string>>,
) {
  for (const { name, environment } of functions) {
    for (const [variable, parameterName] of Object.entries(environment)) {
      if (!variable.endsWith(PARAMETER) || parameterName === '') continue;
      const secret = secrets[variable.slice(0, -PARAMETER.length)];
      if (!secret) throw new Error(`${name}: the local system has no secret for ${variable} (${parameterName})`);
      ssm.set(parameterName, secret);
    }
  }
}
