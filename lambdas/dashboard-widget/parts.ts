import { describeDuration } from '../shared/duration.ts';
import { type Html, html, linkTo, nothing } from '../shared/html.ts';
import { redact } from '../shared/redact.ts';
import { momentOf } from '../shared/widget-page.ts';
import type { Frame } from './view.ts';

/** Most characters of a reason in a table; the rest is one click away. */
const LONGEST_REASON = 160;

/** The line above a table: its news in bold, and what is beside it. */
export function head(news: Html, ...beside: Html[]): Html {
  return html`<div class="qk-head"><div>${news}</div><div>${beside}</div></div>`;
}

/** The field for who asks: CloudWatch does not say who is signed in. It keeps what was typed over a refresh. */
export function nameField({ event }: Frame): Html {
  const help = 'Kept in the log with what you do';
  return html`<label title="${help}">Your name <input name="who" value="${event.form['who'] ?? ''}" maxlength="60" autocomplete="off"></label>`;
}

/** "12 min ago"; of a moment that is not known, "never". */
export function ago(iso: string | null, { now }: Frame): Html {
  if (iso === null) return html`never`;
  const at = new Date(iso);
  return momentOf(at, `${describeDuration(now.getTime() - at.getTime())} ago`);
}

/** The time that is left until then. */
export function left(iso: string, { now }: Frame): Html {
  const at = new Date(iso);
  return momentOf(at, describeDuration(at.getTime() - now.getTime()));
}

/** A reason without secrets, and not too much of it. */
export function reason(text: string): Html {
  const safe = redact(text);
  return safe.length > LONGEST_REASON ? html`${`${safe.slice(0, LONGEST_REASON)}…`.toWellFormed()}` : html`${safe}`;
}

/** A job's id as people tell them apart. */
export function jobId(id: string | null): Html {
  return id === null ? html`<span class="qk-quiet">not known</span>` : html`<code>${id}</code>`;
}

/** Its beginning, where there is no room for all of it. */
export function shortJobId(id: string | null): Html {
  return id === null ? jobId(id) : html`<code title="${id}">${id.slice(0, 8)}</code>`;
}

export function value(text: string | null | undefined): Html {
  return text ? html`${redact(text)}` : html`<span class="qk-quiet">–</span>`;
}

/** The line below a table. */
export function foot(...parts: Html[]): Html {
  return html`<p class="qk-quiet">${parts}</p>`;
}

/** What the dashboard's time range means for a table. */
export function rangeWords({ event: { range }, now }: Frame, otherwise: string): Html {
  const { since, until } = range;
  if (!since) return html`${otherwise}`;
  if (until) return html`from ${utc(since)} to ${utc(until)}`;
  return html`in the last ${describeDuration(now.getTime() - since.getTime())}`;
}

export function utc(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** A link to an entry of the runbook; only its name where nobody said where that is. */
export function runbook({ runbookUrl }: Frame, entry: string): Html {
  return html`Runbook: ${linkTo(runbookUrl && `${runbookUrl}#${entry}`, entry)}`;
}

export function when(condition: boolean, part: Html): Html {
  return condition ? part : nothing;
}
