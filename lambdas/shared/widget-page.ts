import { escapeHtml, type Html, html } from './html.ts';

export type Theme = 'light' | 'dark';

/** Text on the two backgrounds of CloudWatch's dashboard, each at a contrast of at least 4.5 : 1. */
const COLOURS: Readonly<Record<Theme, Readonly<Record<string, string>>>> = {
  light: { text: '#16191f', quiet: '#545b64', line: '#d5dbdb', bad: '#b0200a', warn: '#8a4b00', good: '#1d6d05' },
  dark: { text: '#e3e8ee', quiet: '#a3b1c2', line: '#3a4656', bad: '#ff8a80', warn: '#ffc266', good: '#7fd67a' },
};

/** What the function answers with: the parts, with colours for the theme. All class names are our own but `btn`. */
export function widgetPage(theme: Theme, ...parts: Html[]): string {
  const own = `qk-${theme}`;
  const { text, quiet, line, bad, warn, good } = COLOURS[theme] as Record<string, string>;
  const style = `
.${own}{color:${text};font-size:13px;line-height:1.45}
.${own} table{width:100%;border-collapse:collapse;margin:0}
.${own} th{font-weight:600;text-align:left;white-space:nowrap}
.${own} th,.${own} td{padding:4px 10px 4px 0;border-bottom:1px solid ${line};vertical-align:top;color:inherit}
.${own} td{overflow-wrap:anywhere;min-width:7em}
.${own} td.qk-long{min-width:14em}
.${own} td.qk-acts,.${own} td.qk-tight{white-space:nowrap;min-width:0}
.${own} td.qk-acts{text-align:right;padding-right:0}
.${own} code{font-size:12px;background:none;color:inherit}
.${own} .qk-head{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:baseline;justify-content:space-between;margin:0 0 6px}
.${own} .qk-head strong{font-size:15px}
.${own} p{margin:4px 0}
.${own} .qk-quiet{color:${quiet}}
.${own} .qk-bad{color:${bad};font-weight:600}
.${own} .qk-warn{color:${warn};font-weight:600}
.${own} .qk-good{color:${good};font-weight:600}
.${own} .btn{margin:0 0 2px 6px}
.${own} label{white-space:nowrap}
.${own} input{width:9em;margin-left:4px}
`;
  return html`<div class="${own}"><style>${{ html: style }}</style>${parts}</div>`.html;
}

/** A table with its heads; rows are those of `row`. */
export function table(heads: readonly string[], rows: readonly Html[]): Html {
  const cells = heads.map((head) => html`<th scope="col">${head}</th>`);
  return html`<table><thead><tr>${cells}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** "12 min" with the moment itself behind it. */
export function momentOf(at: Date, shown: string): Html {
  const iso = Number.isNaN(at.getTime()) ? '' : at.toISOString();
  return { html: `<time datetime="${iso}" title="${iso}">${escapeHtml(shown)}</time>` };
}
