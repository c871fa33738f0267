import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import type { Alarms } from '../alarms.ts';
import type { Handle } from '../front-door.ts';
import type { InvocationResult } from '../function-process.ts';
import type { FunctionTargets } from '../function-targets.ts';
import type { Metrics } from '../metrics.ts';
import { ACCOUNT_ID } from '../template-scope.ts';
import { alarmCard, chartCard, numbersCard, textCard } from './cards.ts';
import { dashboardPage, RANGES_MINUTES } from './frame.ts';
import { isOwnPage } from './own-page.ts';
import type { DashboardPlan, WidgetPlan } from './plan.ts';
import { seriesOf } from './values.ts';

export type DashboardOptions = {
  readonly plan: DashboardPlan;
  readonly alarms: Pick<Alarms, 'list'>;
  readonly metrics: Metrics;
  readonly timeScale: number;
  readonly targets: FunctionTargets;
  readonly invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
};

/** Points of a line: more than a chart has room to tell apart is waste. */
const STEPS = 60;
const GRID = { columns: 24, gapPx: 12, paddingPx: 30 };
const STATIC_TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };
const STATIC = ['style.css', 'client/main.js', 'client/actions.js', 'client/call.js', 'client/dialog.js'];
/** What a function answers can run nothing: scripts come from files only. Its styles are its own. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

/** Serves the dashboard, at `/` or `/dashboard`, and what it is made of below `/dashboard/`. */
export function serveDashboard(options: DashboardOptions): Handle {
  const page = dashboardPage(options.plan, ACCOUNT_ID);
  return (request, response) => {
    const url = new URL(request.url ?? '', 'http://local');
    const path = url.pathname.replace(/^\/(dashboard\/?)?/, '');
    if (request.method === 'POST') return path === 'call' && call(options, request, response);
    if (path === '') return response.writeHead(200, { ...PAGE_HEADERS, ...NO_STORE }).end(page);
    if (path === 'cards') return sendJson(response, cards(options, url.searchParams));
    return STATIC.includes(path) && sendFile(response, path);
  };
}

/** The functions of the dashboard, and no others. */
const CALLABLE = /-dashboard-(widget|action)$/;
const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

function cards({ plan, alarms, metrics, timeScale }: DashboardOptions, query: URLSearchParams) {
  const to = Date.now();
  const from = to - within(query.get('range'), 60_000, Math.max(...RANGES_MINUTES) * 60_000);
  const pageWidth = within(query.get('width'), 320, 4_000);
  const reports = alarms.list();
  const draw = (widget: WidgetPlan) => {
    switch (widget.type) {
      case 'alarm':
        return alarmCard(widget, reports);
      case 'text':
        return textCard(widget);
      case 'metric': {
        const isChart = widget.view === 'timeSeries';
        const series = seriesOf(widget, metrics, { from, to, steps: isChart ? STEPS : 1 }, timeScale);
        return isChart
          ? chartCard(widget, series, { from, to, width: widthOf(widget, pageWidth) })
          : numbersCard(series);
      }
      case 'custom':
        return undefined;
    }
  };
  return plan.widgets.flatMap((widget) => {
    const drawn = draw(widget);
    return drawn ? [{ id: widget.id, html: drawn.html }] : [];
  });
}

/** Of the space inside a card. On a narrow page each card has a row of its own. */
function widthOf({ width }: WidgetPlan, pageWidth: number): number {
  const columns = pageWidth <= 860 ? GRID.columns : width;
  const column = (pageWidth + GRID.gapPx) / GRID.columns;
  return Math.floor(columns * column - GRID.gapPx - GRID.paddingPx);
}

function within(text: string | null, least: number, most: number): number {
  return Math.min(most, Math.max(least, Number(text) || least));
}

async function call({ targets, invoke }: DashboardOptions, request: IncomingMessage, response: ServerResponse) {
  const refuse = (status: number, why: string) =>
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...NO_STORE }).end(why);
  if (!isOwnPage(request)) return refuse(403, 'Only the dashboard itself may call its functions.');
  const { endpoint, event } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  const name = targets.get(String(endpoint));
  if (!name || !CALLABLE.test(name)) return refuse(404, `No widget may call ${endpoint}.`);
  const result = await invoke(name, event);
  if (!result.ok) return refuse(502, `${name} failed: ${result.errorMessage}`);
  return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...NO_STORE }).end(String(result.value));
}

function sendJson(response: ServerResponse, json: unknown) {
  return response.writeHead(200, { 'content-type': 'application/json', ...NO_STORE }).end(JSON.stringify(json));
}

async function sendFile(response: ServerResponse, path: string) {
  const type = `${STATIC_TYPES[extname(path)]}; charset=utf-8`;
  const content = await readFile(join(import.meta.dirname, path));
  return response.writeHead(200, { 'content-type': type, ...NO_STORE }).end(content);
}
