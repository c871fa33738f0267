import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';

/**
 * One line of JSON per request. Of the caller it knows the id of the key, never the key, and no address; of what was asked the
 * resource, never the path or the query, which name a customer.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
 */
export const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify({
    time: '$context.requestTimeEpoch',
    /** The gateway's own. A client may choose $context.requestId, by the header x-amzn-RequestId. */
    requestId: '$context.extendedRequestId',
    apiKeyId: '$context.identity.apiKeyId',
    method: '$context.httpMethod',
    resource: '$context.resourcePath',
    status: '$context.status',
    latencyMs: '$context.responseLatency',
    functionLatencyMs: '$context.integrationLatency',
    responseBytes: '$context.responseLength',
    /** Why the gateway refused it; "-" when it did not. */
    refusal: '$context.error.responseType',
  }),
);
