import { type Html, html, nothing } from '../../lambdas/shared/html.ts';
import type { DashboardPlan, WidgetPlan } from './plan.ts';

/** The time ranges that can be chosen, in minutes. The first is chosen. */
export const RANGES_MINUTES = [15, 60, 180];

/** The page without its contents, which the client script asks for. */
export function dashboardPage({ name, widgets }: DashboardPlan, account: string): string {
  const rows = [...Map.groupBy(widgets, ({ y }) => y)].sort(([a], [b]) => a - b).map(([, row]) => row);
  return html`${{ html: '<!doctype html>' }}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/dashboard/style.css">
<script type="module" src="/dashboard/client/main.js"></script>
</head>
<body data-dashboard="${name}" data-account="${account}">
<header>
<h1>Queuekeeper <span>${name}</span></h1>
<nav aria-label="Pages"><a href="/slack">Slack</a><a href="/alarms">Alarms</a><a href="/about">Addresses and keys</a></nav>
<fieldset class="ranges"><legend>Time range</legend>${RANGES_MINUTES.map(rangeButton)}</fieldset>
<p id="freshness" class="quiet">Loading …</p>
</header>
<main>${rows.map((row) => html`<div class="row">${row.map(card)}</div>`)}</main>
<p id="announcements" class="for-ears" role="status" aria-live="polite"></p>
<dialog id="dialog" aria-labelledby="dialog-title"><form method="dialog">
<h2 id="dialog-title"></h2><div id="dialog-body"></div><div class="dialog-buttons"></div>
</form></dialog>
<noscript>The dashboard draws itself with a script of this machine’s own.</noscript>
</body>
</html>`.html;
}

function rangeButton(minutes: number, index: number): Html {
  const label = minutes < 60 ? `${minutes} min` : `${minutes / 60} h`;
  return html`<label><input type="radio" name="range" value="${minutes}"${index === 0 ? html` checked` : nothing}>${label}</label>`;
}

function card(widget: WidgetPlan): Html {
  const { id, type, width } = widget;
  const span = html`data-width="${width}"`;
  if (widget.type === 'text') return html`<div class="text" ${span} id="${id}"></div>`;
  const call =
    widget.type === 'custom'
      ? html` data-endpoint="${widget.endpoint}" data-params="${JSON.stringify(widget.params)}"`
      : nothing;
  return html`<section class="card ${type}" ${span}${call} aria-labelledby="${id}-title"><h3 id="${id}-title">${widget.title}</h3><div class="body" id="${id}" role="group" tabindex="0" aria-labelledby="${id}-title" aria-busy="true"></div></section>`;
}
