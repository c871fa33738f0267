import { counted } from '../../lambdas/shared/counted.ts';
import { type Html, html, nothing } from '../../lambdas/shared/html.ts';
import type { AlarmReport } from '../alarms.ts';
import { chart } from './chart.ts';
import type { AlarmWidget, MetricWidget, TextWidget } from './plan.ts';
import { shortNumber } from './scale.ts';
import type { Series } from './values.ts';

const STATES = {
  ALARM: { word: 'In alarm', look: 'bad', order: 0 },
  INSUFFICIENT_DATA: { word: 'No data yet', look: 'quiet', order: 1 },
  OK: { word: 'OK', look: 'good', order: 2 },
} as const;

/** The alarms, those first that want somebody; what is wrong in words beside each that is in alarm. */
export function alarmCard({ alarms }: AlarmWidget, reports: readonly AlarmReport[]): Html {
  const shown = reports
    .filter(({ name }) => alarms.some((arn) => arn.endsWith(`:alarm:${name}`)))
    .toSorted((a, b) => STATES[a.state].order - STATES[b.state].order);
  const count = shown.filter(({ state }) => state === 'ALARM').length;
  const news =
    count > 0
      ? html`<p class="bad"><strong>${counted(count, 'alarm')} to look at</strong></p>`
      : html`<p class="good"><strong>No alarm</strong></p>`;
  return html`<div data-alarms="${count}">${news}<ul class="alarms">${shown.map(alarmEntry)}</ul></div>`;
}

/** By the name of its runbook entry, with which its description ends. */
function alarmEntry({ name, description, state, reason }: AlarmReport): Html {
  const { word, look } = STATES[state];
  const [meaning = ''] = description.split('\n');
  const wrong = state === 'ALARM' ? html`<span class="meaning">${meaning}</span>` : nothing;
  const short = /#([\w-]+)\s*$/.exec(description)?.[1] ?? name;
  return html`<li class="one ${look}" title="${meaning} ${reason}"><span class="dot" aria-hidden="true"></span><span class="name">${short}</span> <span class="state">${word}</span>${wrong}</li>`;
}

/** The newest value of each metric, large. */
export function numbersCard(series: readonly Series[]): Html {
  const numbers = series.map(({ label, points }) => {
    const value = points.at(-1)?.value;
    return html`<div><dt>${label}</dt><dd>${value === undefined ? '–' : shortNumber(value)}</dd></div>`;
  });
  return html`<dl class="numbers">${numbers}</dl>`;
}

export type ChartSpan = { readonly from: number; readonly to: number; readonly width: number };

export function chartCard(widget: MetricWidget, series: readonly Series[], span: ChartSpan): Html {
  return chart({ title: widget.title, series, annotations: widget.annotations, ...span });
}

/** The headings of our own dashboard are all that there is of Markdown. */
export function textCard({ markdown }: TextWidget): Html {
  const heading = /^##\s+(.+)$/.exec(markdown.trim())?.[1];
  return heading ? html`<h2>${heading}</h2>` : html`<p>${markdown}</p>`;
}
