import { type Html, html, nothing } from '../../lambdas/shared/html.ts';
import type { Annotation } from './plan.ts';
import { niceScale, shortNumber } from './scale.ts';
import type { Point, Series } from './values.ts';

export type ChartOptions = {
  readonly title: string;
  readonly series: readonly Series[];
  readonly annotations: readonly Annotation[];
  readonly from: number;
  readonly to: number;
  /** In pixels, so that letters are not stretched. */
  readonly width: number;
};

const HEIGHT = 176;
const EDGE = { left: 44, right: 10, top: 18, bottom: 22 };
/** As many as the style has colours. */
const COLOURS = 10;

type Scale = { readonly x: (at: number) => number; readonly y: (value: number) => number };

/** A line chart as SVG, with a legend of the newest values. Colours are of the page, so that they follow its theme. */
export function chart(options: ChartOptions): Html {
  const { title, series, annotations, from, to, width } = options;
  const largest = Math.max(0, ...annotations.map(({ value }) => value), ...series.flatMap(valuesOf));
  const { end, step } = niceScale(largest);
  const scale: Scale = {
    x: (at) => round(EDGE.left + ((at - from) / (to - from)) * (width - EDGE.left - EDGE.right)),
    y: (value) => round(HEIGHT - EDGE.bottom - (value / end) * (HEIGHT - EDGE.top - EDGE.bottom)),
  };
  const marks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step);
  const isEmpty = series.every((one) => valuesOf(one).length === 0);
  return html`<svg class="chart" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${summary(title, series)}">
    ${marks.map((value) => gridLine(value, scale, width))}${timeMarks(from, to, scale)}
    ${annotations.map((annotation) => annotationLine(annotation, scale, width))}
    ${series.map((one, index) => line(one, index % COLOURS, scale))}
    ${isEmpty ? html`<text class="empty" x="${width / 2}" y="${HEIGHT / 2}" text-anchor="middle">No data yet</text>` : nothing}
  </svg><ul class="legend">${series.map(legendEntry)}</ul>`;
}

function valuesOf({ points }: Series): number[] {
  return points.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

function newestOf(series: Series): string {
  const newest = series.points.at(-1)?.value;
  return newest === undefined ? '–' : shortNumber(newest);
}

/** What someone hears who does not see it. */
function summary(title: string, series: readonly Series[]): string {
  return `${title}. Now: ${series.map((one) => `${one.label} ${newestOf(one).replace('–', 'no data')}`).join(', ')}`;
}

function gridLine(value: number, { y }: Scale, width: number): Html {
  const at = y(value);
  return html`<line class="grid" x1="${EDGE.left}" x2="${width - EDGE.right}" y1="${at}" y2="${at}"/><text class="mark" x="${EDGE.left - 6}" y="${at + 4}" text-anchor="end">${shortNumber(value)}</text>`;
}

function timeMarks(from: number, to: number, { x }: Scale): Html[] {
  return [0, 0.5, 1].map((share) => {
    const at = from + share * (to - from);
    const anchor = ['start', 'middle', 'end'][share * 2] as string;
    return html`<text class="mark" x="${x(at)}" y="${HEIGHT - 6}" text-anchor="${anchor}">${clock(at)}</text>`;
  });
}

function annotationLine({ value, label }: Annotation, { y }: Scale, width: number): Html {
  const at = y(value);
  return html`<line class="annotation" x1="${EDGE.left}" x2="${width - EDGE.right}" y1="${at}" y2="${at}"/><text class="annotation-label" x="${width - EDGE.right - 2}" y="${at - 4}" text-anchor="end">${label}</text>`;
}

/** A line for each stretch without a gap, and a dot for each point, which says its value. */
function line({ label, points }: Series, colour: number, { x, y }: Scale): Html {
  const paths = stretches(points).map((stretch) => ({
    html: `<polyline class="line" points="${stretch.map(({ at, value }) => `${x(at)},${y(value)}`).join(' ')}"/>`,
  }));
  const dots = stretches(points)
    .flat()
    .map(
      ({ at, value }) =>
        html`<circle cx="${x(at)}" cy="${y(value)}" r="2.5"><title>${label}: ${shortNumber(value)} at ${clock(at)}</title></circle>`,
    );
  return html`<g class="series colour-${colour}">${paths}${dots}</g>`;
}

type Known = { readonly at: number; readonly value: number };

function stretches(points: readonly Point[]): Known[][] {
  const found: Known[][] = [[]];
  for (const { at, value } of points) {
    if (value === undefined) found.push([]);
    else found.at(-1)?.push({ at, value });
  }
  return found.filter((stretch) => stretch.length > 0);
}

function legendEntry(series: Series, index: number): Html {
  return html`<li><span class="swatch colour-${index % COLOURS}"></span>${series.label} <b>${newestOf(series)}</b></li>`;
}

function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
