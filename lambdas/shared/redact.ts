/** Longest text that is looked at, so that a reason of a megabyte costs no more than a short one. */
export const LONGEST_REDACTED = 2_000;

/**
 * What must not leave the account even inside an allowed field. The second layer: the first is that a Slack
 * message holds allow-listed fields only and never a body. Each pattern is linear in the length of the text.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/https?:\/\/hooks\.slack\.com\/\S*/gi, '[webhook]'],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]{1,200}@/gi, '$1[credentials]@'],
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g, '[token]'],
  [/\bsb_(?:secret|publishable)_[\w-]+/gi, '[key]'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, '[key]'],
  [/\bxox[a-z]-[\w-]+/gi, '[token]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [token]'],
  [/\b(password|passwd|pwd|secret|token|api[_-]?key)(["']?\s*[=:]\s*)["']?[^\s"',;&]+/gi, '$1$2[secret]'],
  [/[\w.%+'-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/gi, '[e-mail]'],
];

/** The text without e-mail addresses, keys, tokens and credentials. Cuts before a word, never inside a secret. */
export function redact(text: string): string {
  const looked = text.length > LONGEST_REDACTED ? cut(text.slice(0, LONGEST_REDACTED)) : text;
  return SECRETS.reduce((rest, [secret, placeholder]) => rest.replace(secret, placeholder), looked);
}

/** Before the last word, or, in JSON without a space, before the last string. */
function cut(text: string): string {
  return text.replace(/\S{1,2000}$/, '') || text.slice(0, Math.max(text.lastIndexOf('"'), 0)) || '[too long to show]';
}
