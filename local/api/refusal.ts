/** Status, error type and message that API Gateway has for each case in which it answers itself. */
const DEFAULTS = {
  MISSING_AUTHENTICATION_TOKEN: [403, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
  INVALID_API_KEY: [403, 'ForbiddenException', 'Forbidden'],
  THROTTLED: [429, 'TooManyRequestsException', 'Too Many Requests'],
  QUOTA_EXCEEDED: [429, 'LimitExceededException', 'Limit Exceeded'],
  BAD_REQUEST_PARAMETERS: [400, 'BadRequestException', 'Missing required request parameters'],
  REQUEST_TOO_LARGE: [413, 'RequestTooLargeException', 'Request Too Long'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'BadRequestException', 'Unsupported Media Type'],
  INTEGRATION_TIMEOUT: [504, 'InternalServerErrorException', 'Endpoint request timed out'],
  API_CONFIGURATION_ERROR: [500, 'InternalServerErrorException', 'Internal server error'],
  DEFAULT_5XX: [500, 'InternalServerErrorException', 'Internal server error'],
} as const satisfies Record<string, readonly [status: number, errorType: string, message: string]>;

export type RefusalType = keyof typeof DEFAULTS;

/**
 * The gateway answers by itself. The types are those of its gateway responses.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
export class Refusal extends Error {
  readonly type: RefusalType;
  readonly status: number;
  readonly errorType: string;
  /** @param status other than the type's own */
  constructor(type: RefusalType, { status, message }: { status?: number; message?: string } = {}) {
    super(message ?? DEFAULTS[type][2]);
    this.type = type;
    this.status = status ?? DEFAULTS[type][0];
    this.errorType = DEFAULTS[type][1];
  }
}
