import { type Html, html } from '../shared/html.ts';
import { redact } from '../shared/redact.ts';
import { table } from '../shared/widget-page.ts';
import { ago, foot, rangeWords, shortJobId, value } from './parts.ts';
import type { Frame, View } from './view.ts';

const MOST_ROWS = 20;
const MOST_DETAILS = 6;
const LONGEST_DETAIL = 80;

/** A row of recent_events(). */
export interface QueueEvent {
  readonly created_at: string;
  readonly event: string;
  readonly job_id: string | null;
  readonly worker_id: string | null;
  readonly details: unknown;
}

/** What an event is called in the table of people; others keep their own name. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['requeued_stale', 'recovered: pending again'],
  ['failed_stale', 'failed: stale too often'],
  ['held_stale', 'put on hold'],
  ['recovery_requested', 'recovery asked for'],
  ['completion_refused', 'late completion refused'],
  ['retry_scheduled', 'failed, to be tried again'],
  ['dlq', 'message died'],
]);

export const events: View<readonly QueueEvent[]> = {
  title: 'Latest events',
  about: 'The last 20 events of all jobs in the dashboard’s time range, newest first.',
  runbookEntry: 'stale-jobs',
  async fetch({ openDatabase }, { range }) {
    const database = await openDatabase();
    return database.call<QueueEvent[]>('recent_events', {
      row_limit: MOST_ROWS,
      since: range.since?.toISOString(),
      until: range.until?.toISOString(),
    });
  },
  render(rows, frame) {
    const span = rangeWords(frame, 'so far');
    if (rows.length === 0) return html`<p class="qk-quiet">Nothing happened ${span}.</p>`;
    const heads = ['When', 'What', 'Job', 'Worker', 'Details'];
    const which = rows.length === MOST_ROWS ? html`The last ${MOST_ROWS} events ${span}.` : html`All events ${span}.`;
    return html`${table(
      heads,
      rows.map((one) => row(one, frame)),
    )}${foot(which)}`;
  },
};

function row(one: QueueEvent, frame: Frame): Html {
  return html`<tr><td class="qk-tight">${ago(one.created_at, frame)}</td><td>${WORDS.get(one.event) ?? one.event}</td><td class="qk-tight">${shortJobId(one.job_id)}</td>
    <td>${value(one.worker_id)}</td><td class="qk-long">${details(one.details)}</td></tr>`;
}

/** The first few that say something, each on one line. */
function details(all: unknown): Html {
  const entries = typeof all === 'object' && all !== null ? Object.entries(all) : [];
  const shown = entries
    .filter(([name, one]) => one !== null && one !== false && name !== 'run_id')
    .slice(0, MOST_DETAILS)
    .map(([name, one]) => `${name}: ${cut(redact(textOf(one)))}`);
  return html`<span class="qk-quiet">${shown.join(' · ')}</span>`;
}

/** Without the fractions of seconds that Postgres writes. */
function textOf(one: unknown): string {
  const text = typeof one === 'object' ? JSON.stringify(one) : String(one);
  return text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+\+00:00$/, '$1 $2 UTC');
}

function cut(text: string): string {
  return text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;
}
