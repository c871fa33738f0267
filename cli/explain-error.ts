import { UsageError } from './exit-code.ts';

/** What a small team meets first when AWS or the network refuses, and what to do about it. */
const ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError: 'no AWS credentials: set AWS_PROFILE, or run aws configure or aws sso login',
  ExpiredTokenException: 'the AWS credentials have expired: sign in again (aws sso login)',
  ExpiredToken: 'the AWS credentials have expired: sign in again (aws sso login)',
  UnrecognizedClientException: 'AWS does not know these credentials: check AWS_PROFILE and AWS_DEFAULT_REGION',
  InvalidClientTokenId: 'AWS does not know these credentials: check AWS_PROFILE and AWS_DEFAULT_REGION',
  AccessDeniedException: 'these AWS credentials may not do this: use those that deploy the stack',
  AccessDenied: 'these AWS credentials may not do this: use those that deploy the stack',
  QueueDoesNotExist: 'there is no such queue: check STAGE, AWS_DEFAULT_REGION, SQS_QUEUE_URL and SQS_DLQ_URL',
  ECONNREFUSED: 'nothing listens there; with --local, start the system: npm run local',
  ENOTFOUND: 'there is no such host: check the URL and the network',
};

/** One line that says what went wrong, its causes, and what to do where that is known. */
export function explainError(error: unknown): string {
  if (error instanceof UsageError) return error.message; // it says itself what to do
  const reasons: string[] = [];
  let advice: string | undefined;
  for (let cause = error; Error.isError(cause) && reasons.length < 4; cause = cause.cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    advice ??= ADVICE[code] ?? ADVICE[cause.name];
    // Some errors of Node hold their whole story in `code`; others repeat what the error above them says.
    const reason = cause.message || code || cause.name;
    if (!reasons.some((earlier) => earlier.includes(reason))) reasons.push(reason);
  }
  const story = reasons.join(': ') || String(error);
  return advice ? `${story} (${advice})` : story;
}
