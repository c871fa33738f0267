import {
  type IntegrationResponse,
  type IResource,
  MockIntegration,
  PassthroughBehavior,
} from 'aws-cdk-lib/aws-apigateway';
import { allowedMethods, type Cors } from './api-cors.ts';
import { fixedHeaders, gatewayProblem, gatewayProblemHeaders } from './gateway-problem.ts';

/** How long a browser may remember what a preflight answered. */
const PREFLIGHT_SECONDS = '600';

export const ONLY_GET = 'Only GET is answered here.';

/** Answers every other method than GET at the gateway, without a function: 405, and preflights where pages may ask. */
export function answerOtherMethods(resource: IResource, cors: Cors | undefined): void {
  addFixedAnswer(resource, 'ANY', {
    status: 405,
    headers: { ...gatewayProblemHeaders(cors), Allow: allowedMethods(cors) },
    body: gatewayProblem(405, ONLY_GET),
  });
  if (!cors) return;
  addFixedAnswer(resource, 'OPTIONS', {
    status: 204,
    headers: {
      'Access-Control-Allow-Origin': cors.gatewayOrigin,
      'Access-Control-Allow-Methods': 'GET',
      'Access-Control-Allow-Headers': 'x-api-key',
      'Access-Control-Max-Age': PREFLIGHT_SECONDS,
    },
    body: '',
  });
}

type FixedAnswer = { status: number; headers: Record<string, string>; body: string };

function addFixedAnswer(resource: IResource, method: string, { status, headers, body }: FixedAnswer): void {
  const statusCode = String(status);
  const answer: IntegrationResponse = {
    statusCode,
    responseParameters: fixedHeaders('method.response.header.', headers),
    responseTemplates: { 'application/json': body },
  };
  const integration = new MockIntegration({
    requestTemplates: { 'application/json': JSON.stringify({ statusCode: status }) },
    // A body of another type would take the template's place, and end in a 500; so it is UNSUPPORTED_MEDIA_TYPE, which is
    // answered with 405 as well.
    passthroughBehavior: PassthroughBehavior.NEVER,
    integrationResponses: [answer],
  });
  const responseParameters = Object.fromEntries(
    Object.keys(headers).map((name) => [`method.response.header.${name}`, true]),
  );
  // Whoever asks in a wrong way needs no key to be told so.
  resource.addMethod(method, integration, {
    apiKeyRequired: false,
    methodResponses: [{ statusCode, responseParameters }],
  });
}
