import type { Answer } from './answer.ts';
import { chooseTemplate, fill, type GatewayContext, mappedValue } from './context.ts';
import type { GatewayResponsePlan } from './plan.ts';
import type { Refusal } from './refusal.ts';

const API_GATEWAYS_OWN: GatewayResponsePlan = {
  status: undefined,
  headers: {},
  templates: { 'application/json': '{"message":$context.error.messageString}' },
};

/** What the client gets of a refusal: as the template has it for this type, else for all 4xx or 5xx. */
export function gatewayResponse(
  refusal: Refusal,
  plans: ReadonlyMap<string, GatewayResponsePlan>,
  { context, accept }: { context: GatewayContext; accept: string | undefined },
): Answer {
  const rest = refusal.status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX';
  const plan = plans.get(refusal.type) ?? plans.get(rest) ?? API_GATEWAYS_OWN;
  const { message, type: responseType } = refusal;
  const error = { message, messageString: JSON.stringify(message), responseType, validationErrorString: message };
  const filled = { ...context, error };
  const { type, template } = chooseTemplate(plan.templates, accept) ?? { type: 'application/json', template: '' };
  const headers = new Map<string, readonly string[]>([
    ['content-type', [type]],
    ['x-amzn-errortype', [refusal.errorType]],
  ]);
  for (const [name, value] of Object.entries(plan.headers))
    headers.set(name.toLowerCase(), [mappedValue(value, filled)]);
  return { status: plan.status ?? refusal.status, headers, body: Buffer.from(fill(template, filled)) };
}
