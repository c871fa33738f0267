import type { Answer } from './answer.ts';
import { chooseTemplate, fill, type GatewayContext, mappedValue } from './context.ts';
import type { MockPlan } from './method-plan.ts';
import { Refusal } from './refusal.ts';

export type MockRequest = {
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
  readonly body: string;
};

/** Answers by templates alone: the request's gives a status, and the first answer that fits it is sent. */
export function mockAnswer(
  plan: MockPlan,
  { contentType, accept, body }: MockRequest,
  context: GatewayContext,
): Answer {
  const [, status] =
    /["']?statusCode["']?\s*:\s*(\d{3})\b/.exec(fill(requestTemplate(plan, contentType) ?? body, context)) ?? [];
  if (!status) throw new Refusal('DEFAULT_5XX');
  const answer =
    plan.answers.find(({ pattern }) => pattern !== undefined && new RegExp(`^(?:${pattern})$`).test(status)) ??
    plan.answers.find(({ pattern }) => pattern === undefined);
  if (!answer) throw new Refusal('API_CONFIGURATION_ERROR');
  const { type, template } = chooseTemplate(answer.templates, accept) ?? { type: 'application/json', template: '' };
  const headers = new Map<string, readonly string[]>([['content-type', [type]]]);
  for (const [name, value] of Object.entries(answer.headers))
    headers.set(name.toLowerCase(), [mappedValue(value, context)]);
  return { status: answer.status, headers, body: Buffer.from(fill(template, context)) };
}

/** The template for the body's type; a request without one counts as JSON. Undefined: the body itself is taken. */
function requestTemplate({ requestTemplates, passthrough }: MockPlan, contentType = 'application/json') {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const template = requestTemplates[type] ?? requestTemplates['$default'];
  const isRefused =
    passthrough === 'NEVER' || (passthrough === 'WHEN_NO_TEMPLATES' && Object.keys(requestTemplates).length > 0);
  if (template === undefined && isRefused) throw new Refusal('UNSUPPORTED_MEDIA_TYPE');
  return template;
}
