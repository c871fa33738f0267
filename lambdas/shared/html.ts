import { oneLine } from './mrkdwn.ts';

/**
 * HTML that is safe to show: built by `html` and the functions below, which escape every value. A wrapper and not a
 * string, so that a raw value cannot take its place unseen.
 */
export type Html = { readonly html: string };

type Value = string | number | Html | readonly Html[];

/** A template whose values are escaped, each as one line of at most 300 visible characters. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  const rendered = values.map((value) => {
    if (typeof value !== 'object') return escapeHtml(oneLine(String(value)));
    return 'html' in value ? value.html : value.map((part) => part.html).join('');
  });
  return { html: strings.reduce((text, part, index) => `${text}${rendered[index - 1] ?? ''}${part}`) };
}

export const nothing: Html = { html: '' };

/** A link; only the label when the URL is missing or not http(s), because it comes from a setting. */
export function linkTo(url: string | undefined, label: string): Html {
  const parsed = URL.parse(url ?? '');
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return html`${label}`;
  return { html: `<a href="${escapeHtml(parsed.href)}" target="_blank" rel="noreferrer">${html`${label}`.html}</a>` };
}

/** For text and for attributes in double or single quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
