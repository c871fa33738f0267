import { counted } from '../shared/counted.ts';
import { type Html, html } from '../shared/html.ts';
import { table } from '../shared/widget-page.ts';
import { ago, foot, head, rangeWords } from './parts.ts';
import type { Frame, View } from './view.ts';

const MOST_ROWS = 10;
/** From this share of the limit on, a caller is near it. */
const NEAR = 0.8;

/** A row of busiest_callers(). */
export interface Caller {
  readonly caller: string;
  readonly route: string;
  readonly requests: number;
  readonly requests_in_window: number;
  readonly is_limited: boolean;
  readonly last_request_at: string;
}

export const callers: View<readonly Caller[]> = {
  title: 'Busiest callers',
  about:
    'The callers of the API with the most admitted requests in the dashboard’s time range, and who is limited now.',
  runbookEntry: 'rate-limited-share',
  async fetch({ openDatabase, rateLimit }, { range }) {
    const database = await openDatabase();
    return database.call<Caller[]>('busiest_callers', {
      row_limit: MOST_ROWS,
      since: range.since?.toISOString(),
      max_requests: rateLimit.requests,
      window_ms: rateLimit.windowMs,
    });
  },
  render(rows, frame) {
    const limited = rows.filter(({ is_limited }) => is_limited).length;
    const span = rangeWords(
      { ...frame, event: { ...frame.event, range: { since: frame.event.range.since } } },
      'in the last hour',
    );
    const { requests, windowMs } = frame.rateLimit;
    const limit = html`${counted(requests, 'request')} per ${windowMs / 1_000} s`;
    if (rows.length === 0) return html`<p class="qk-quiet">No requests ${span}.</p>`;
    const news =
      limited > 0
        ? html`<strong class="qk-warn">${limited} of the busiest at the limit now</strong>`
        : html`<span class="qk-good">None of the busiest is limited now.</span>`;
    const heads = ['Caller', 'Route', 'Admitted', 'In the window', 'Last', ''];
    return html`${head(news)}${table(
      heads,
      rows.map((one) => row(one, frame)),
    )}
      ${foot(html`Admitted requests ${span}; limit: ${limit}, per caller and route. Callers are keyed hashes of addresses and API keys.`)}`;
  },
};

function row(caller: Caller, frame: Frame): Html {
  const { requests } = frame.rateLimit;
  return html`<tr><td class="qk-tight"><code>${caller.caller}</code></td><td class="qk-tight">${caller.route}</td><td class="qk-tight">${caller.requests}</td>
    <td class="qk-tight">${caller.requests_in_window} of ${requests}</td><td class="qk-tight">${ago(caller.last_request_at, frame)}</td>
    <td class="qk-tight">${stateOf(caller, requests)}</td></tr>`;
}

function stateOf({ is_limited, requests_in_window }: Caller, limit: number): Html {
  if (is_limited) return html`<span class="qk-bad">limited</span>`;
  return requests_in_window >= NEAR * limit ? html`<span class="qk-warn">near the limit</span>` : html``;
}
