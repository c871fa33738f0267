/**
 * Why Slack did not take a message. `permanent` means that sending it again cannot help and a person must act;
 * `unavailable` means that the next run may well succeed. Never carries the webhook's URL, which is a secret.
 */
export class SlackError extends Error {
  readonly kind: 'permanent' | 'unavailable';

  constructor(kind: 'permanent' | 'unavailable', message: string) {
    super(message);
    this.name = 'SlackError';
    this.kind = kind;
  }
}

const NEW_WEBHOOK = 'Make a new incoming webhook in Slack and store its URL in the parameter';
const OUR_FAULT = 'The message itself is wrong, which is a bug in Queuekeeper: report it with this line';

/**
 * What to do about each answer that Slack gives a webhook.
 * Source: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks and
 * https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks ("Handling errors").
 */
const ADVICE: Readonly<Record<string, string>> = {
  action_prohibited: 'An admin of the workspace has restricted the webhook: ask them to allow it',
  channel_is_archived: 'Unarchive the channel, or make a webhook for another one',
  channel_not_found: 'The channel was deleted: make a webhook for another one',
  invalid_blocks: OUR_FAULT,
  invalid_payload: OUR_FAULT,
  invalid_token: `The webhook's URL is wrong or was revoked. ${NEW_WEBHOOK}`,
  no_service: `The webhook was disabled, removed, or its URL is incomplete. ${NEW_WEBHOOK}`,
  no_service_id: `The webhook's URL is incomplete. ${NEW_WEBHOOK}`,
  no_team: `The workspace is gone or the webhook's URL is wrong. ${NEW_WEBHOOK}`,
  no_text: OUR_FAULT,
  posting_to_general_channel_denied: 'Only admins may post to #general: make a webhook for another channel',
  team_disabled: 'The workspace is disabled: ask its owner, or make a webhook in another one',
  too_many_attachments: OUR_FAULT,
  user_not_found: 'The user whom the webhook writes to is gone: make a webhook for a channel',
};

/** The error for an answer that will not change by asking again. `answer` is the body that Slack sent. */
export function refusal(status: number, answer: string): SlackError {
  const shown = answer.trim().slice(0, 100) || '(nothing)';
  const advice = ADVICE[answer.trim()] ?? `Check the webhook: Slack accepts a message with 200 "ok"`;
  return new SlackError('permanent', `Slack refused the message: HTTP ${status} "${shown}". ${advice}.`);
}

/**
 * Removes the webhook's URL, its path and each long part of its path from a text. Proxies and HTTP libraries
 * quote a URL in part ("Cannot POST /services/…"), and the last part alone is enough to post to the channel.
 */
export function withoutUrl(text: string, webhookUrl: string): string {
  const path = webhookUrl.replace(/^[a-z]+:\/\/[^/]*/i, '');
  const parts = path.split(/[/?#&=]/).filter((part) => part.length >= 8 && part !== 'services');
  return [webhookUrl, path, ...parts]
    .filter((secret) => secret.length > 1)
    .reduce((shorter, secret) => shorter.replaceAll(secret, '[webhook]'), text);
}

/** What a failed fetch says of itself, with its causes, since undici hides the real one behind "fetch failed". */
export function describeFailure(error: unknown, webhookUrl: string): string {
  const reasons: string[] = [];
  for (let cause = error; Error.isError(cause) && reasons.length < 4; cause = cause.cause) {
    const code = 'code' in cause && typeof cause.code === 'string' ? `${cause.code} ` : '';
    reasons.push(`${code}${cause.message}`.trim());
  }
  return withoutUrl(reasons.join(': ') || String(error), webhookUrl).slice(0, 300);
}
