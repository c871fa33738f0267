/** Anything as HTML text: a message is never trusted, since its values came from jobs. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Slack's own three entities back to characters, so that they are not escaped twice. */
export function unescapeMrkdwn(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function textHtml(mrkdwn: string): string {
  return escapeHtml(unescapeMrkdwn(mrkdwn));
}

/** Code blocks, inline code, and <…>: what formatting must not reach into. In the order in which Slack looks. */
const ATOMS = /```([\s\S]*?)```|`([^`\n]+)`|<([^<>\n]+)>/g;

/** Marks the place of an atom while the rest is formatted: a private character, removed from the message first. */
const MARK = '\ue000';

/** Slack's markup as HTML: *bold*, _italic_, ~strike~, `code`, ```blocks```, links, dates, mentions, quotes. */
export function mrkdwnHtml(mrkdwn: string): string {
  const atoms: string[] = [];
  const withoutAtoms = mrkdwn.replaceAll(MARK, '').replace(ATOMS, (_, block, code, reference) => {
    atoms.push(atomHtml(block, code, reference));
    return `${MARK}${atoms.length - 1}${MARK}`;
  });
  const html = textHtml(withoutAtoms)
    .replace(emphasis('\\*'), '$1<b>$2</b>')
    .replace(emphasis('_'), '$1<i>$2</i>')
    .replace(emphasis('~'), '$1<s>$2</s>')
    .replace(/^&gt; ?(.*)$/gm, '<blockquote>$1</blockquote>')
    .replaceAll('\n', '<br>');
  return html
    .replace(/\ue000(\d+)\ue000/g, (_, index) => atoms[Number(index)] ?? '')
    .replace(/<br>(?=<pre>)|(?<=<\/pre>)<br>/g, '');
}

/** A mark counts at a word's edge only, so that snake_case stays as it is. */
function emphasis(mark: string): RegExp {
  return new RegExp(`(^|[^\\w\\\\])${mark}(?=\\S)([^\\n]*?\\S)${mark}(?!\\w)`, 'gm');
}

function atomHtml(block: string | undefined, code: string | undefined, reference: string | undefined): string {
  if (block !== undefined) return `<pre>${textHtml(block.replace(/^\n/, ''))}</pre>`;
  if (code !== undefined) return `<code>${textHtml(code)}</code>`;
  return referenceHtml(reference ?? '');
}

function referenceHtml(reference: string): string {
  const [target = '', label] = reference.split('|', 2);
  const date = /^!date\^(\d+)\^/.exec(target)?.[1];
  if (date) return dateHtml(Number(date), label ?? '');
  if (/^[!@#]/.test(target)) return `<span class="mention">${textHtml(label ?? mentionName(target))}</span>`;
  const url = unescapeMrkdwn(target);
  const shown = textHtml(label ?? target);
  return /^(https?:|mailto:)/i.test(url) ? `<a href="${escapeHtml(url)}" rel="noreferrer">${shown}</a>` : shown;
}

function mentionName(target: string): string {
  return target.startsWith('!') ? `@${target.slice(1)}` : target;
}

/** The server's zone stands for the reader's: on a laptop they are the same. */
function dateHtml(seconds: number, fallback: string): string {
  const date = new Date(seconds * 1_000);
  if (Number.isNaN(date.getTime())) return textHtml(fallback);
  const day = date.toLocaleDateString('en-US', { month: 'short', day: 'numeric' });
  const isToday = date.toDateString() === new Date().toDateString();
  return `<time title="${escapeHtml(fallback)}">${isToday ? 'today' : day} at ${clock(date)}</time>`;
}

/** 3:04 PM */
export function clock(date: Date): string {
  return date.toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' });
}
