/**
 * Text in Slack's markup that is safe to send: built by `mrkdwn` and the functions below, which escape every
 * value. A wrapper and not a string, so that a raw value cannot take its place unseen.
 */
export type Mrkdwn = { readonly mrkdwn: string };

/** Longest value shown inside a message, in characters: an id or a reason, not a log. */
const VALUE_CHARACTERS = 300;

/** Control characters, and the marks that reorder text on the screen and so can hide what a value says. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** A template whose values are escaped: mrkdwn`*${jobType}* failed`. */
export function mrkdwn(strings: TemplateStringsArray, ...values: (string | number | Mrkdwn)[]): Mrkdwn {
  const rendered = values.map((value) =>
    typeof value === 'object' ? value.mrkdwn : escapeMrkdwn(oneLine(String(value))),
  );
  return { mrkdwn: strings.reduce((text, part, index) => `${text}${rendered[index - 1] ?? ''}${part}`) };
}

/** Values side by side. */
export function join(parts: Mrkdwn[], separator: string): Mrkdwn {
  return { mrkdwn: parts.map((part) => part.mrkdwn).join(escapeMrkdwn(separator)) };
}

/** A value as inline code; a backtick in it would end the code early. */
export function code(value: string): Mrkdwn {
  return { mrkdwn: `\`${escapeMrkdwn(oneLine(value)).replaceAll('`', 'ˋ') || ' '}\`` };
}

/** Text as it is, over several lines, as a code block to copy from. */
export function codeBlock(text: string): Mrkdwn {
  const lines = text.split(/\r?\n/).map((line) => line.replace(INVISIBLE, ' ').toWellFormed());
  return { mrkdwn: `\`\`\`${escapeMrkdwn(lines.join('\n').replaceAll('```', 'ˋˋˋ'))}\`\`\`` };
}

/** Text of several lines that someone else wrote: its lines stay, its markup does not. */
export function paragraph(text: string, limit = 1_000): Mrkdwn {
  const lines = text.split(/\r?\n/).map((line) => line.replace(INVISIBLE, ' ').trimEnd());
  return { mrkdwn: escapeMrkdwn(cut(lines.join('\n').trim().toWellFormed(), limit)) };
}

/** A link; only the label when the URL is not http(s), because it came from a configuration that may be wrong. */
export function link(url: string, label: string): Mrkdwn {
  const parsed = URL.parse(url);
  const text = oneLine(label).replaceAll('|', '¦');
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return mrkdwn`${text}`;
  return { mrkdwn: `<${escapeMrkdwn(parsed.href.replaceAll('|', '%7C'))}|${escapeMrkdwn(text)}>` };
}

/**
 * A moment, shown in the reader's own time zone; in UTC where Slack cannot (notifications, other clients).
 * Source: https://docs.slack.dev/messaging/formatting-message-text#date-formatting
 */
export function moment(date: Date): Mrkdwn {
  const fallback = `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return { mrkdwn: `<!date^${Math.floor(date.getTime() / 1_000)}^{date_short_pretty} at {time}|${fallback}>` };
}

/** Slack's three special characters: without them no value can ping a channel or forge a link. */
function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * At most `limit` characters, ending in `end` when cut. Counts UTF-16 units, the stricter of the two counts that
 * Slack could use, and never splits a code point, which would leave half an emoji.
 */
export function cut(text: string, limit: number, end = '…'): string {
  if (text.length <= limit) return text;
  let kept = '';
  for (const codePoint of text.slice(0, limit)) {
    if (kept.length + codePoint.length + end.length > limit) break;
    kept += codePoint;
  }
  return `${kept.replace(/[\ud800-\udbff]$/, '')}${end}`;
}

/** A value as one short line of visible characters. */
export function oneLine(value: string): string {
  return cut(value.replace(INVISIBLE, ' ').toWellFormed(), VALUE_CHARACTERS);
}
