import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { allowedMethods, type Cors } from './api-cors.ts';
import { fixedHeaders, gatewayProblem, gatewayProblemHeaders } from './gateway-problem.ts';
import { ONLY_GET } from './other-methods.ts';

const NO_SUCH_PATH = [404, 'There is nothing at this path.'] as const;

type Response = readonly [ResponseType, status: number, detail: string, headers?: Record<string, string>];

/** Every way in which the gateway refuses a request by itself. */
const responses = (cors: Cors | undefined): Response[] => [
  [ResponseType.THROTTLED, 429, 'Too many requests at once. Retry in 1 s.', { 'Retry-After': '1' }],
  // Without Retry-After: the gateway does not know when the month of this key ends.
  [ResponseType.QUOTA_EXCEEDED, 429, 'The quota of this API key is used up for this month.'],
  [ResponseType.INVALID_API_KEY, 403, 'A valid API key in the header x-api-key is needed.'],
  [ResponseType.BAD_REQUEST_PARAMETERS, 400, 'A parameter is missing.'],
  [ResponseType.BAD_REQUEST_BODY, 400, 'The body is not one that this path takes.'],
  [ResponseType.REQUEST_TOO_LARGE, 413, 'The request is too large.'],
  [ResponseType.ACCESS_DENIED, 403, 'This is not allowed.'],
  [ResponseType.WAF_FILTERED, 403, 'This is not allowed.'],
  [ResponseType.UNAUTHORIZED, 401, 'This is not allowed.'],
  // What the gateway calls a path that it does not know …
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, ...NO_SUCH_PATH],
  [ResponseType.RESOURCE_NOT_FOUND, ...NO_SUCH_PATH],
  // … and, as no path of ours looks at the header Authorization, what it calls one when that header came along.
  [ResponseType.INVALID_SIGNATURE, ...NO_SUCH_PATH],
  [ResponseType.EXPIRED_TOKEN, ...NO_SUCH_PATH],
  // Only the answer to a wrong method looks at the type of a body, and knows JSON only: see other-methods.ts.
  [ResponseType.UNSUPPORTED_MEDIA_TYPE, 405, ONLY_GET, { Allow: allowedMethods(cors) }],
  [ResponseType.INTEGRATION_FAILURE, 502, 'The request could not be answered. Try again.'],
  [ResponseType.INTEGRATION_TIMEOUT, 504, 'The request took too long. Try again.'],
  // Whatever else there is or will be, in the same shape.
  [ResponseType.DEFAULT_4XX, 400, 'The request cannot be answered as it is.'],
  [ResponseType.DEFAULT_5XX, 500, 'The request could not be answered. Try again.'],
];

/** Gives the gateway's own refusals the shape of ours. */
export function addGatewayResponses(api: RestApi, cors: Cors | undefined): void {
  for (const [type, status, detail, headers] of responses(cors)) {
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: String(status),
      // addGatewayResponse puts the prefix before the names.
      responseHeaders: fixedHeaders('', { ...gatewayProblemHeaders(cors), ...headers }),
      // The key is what the gateway falls back to for any Accept; the type that is sent is among the headers.
      templates: { 'application/json': gatewayProblem(status, detail) },
    });
  }
}
