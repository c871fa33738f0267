import { attempt } from '../shared/attempt.ts';
import { counted } from '../shared/counted.ts';
import { actionButton } from '../shared/cwdb-action.ts';
import { type Html, html, nothing } from '../shared/html.ts';
import type { OpenLetter } from '../shared/open-letter.ts';
import type { RedriveTask } from '../shared/redrive-task.ts';
import { table } from '../shared/widget-page.ts';
import type { DeadLetterDepth } from './dead-letter-source.ts';
import { ago, foot, head, jobId, left, nameField, reason, runbook, value, when } from './parts.ts';
import type { Frame, View } from './view.ts';

const MOST_ROWS = 50;
/** Less than this before SQS deletes it, it is said louder. */
const SOON_MS = 3 * 24 * 3_600_000;

export interface DeadLetters {
  /** Undefined when SQS did not answer. */
  readonly queue?: DeadLetterDepth;
  /** Undefined when the database did not answer. */
  readonly letters?: readonly OpenLetter[];
  readonly problems: readonly string[];
}

export const deadLetters: View<DeadLetters> = {
  title: 'Dead letters',
  about: 'The messages that failed every attempt, the first to expire first, with **Redrive** for the queue.',
  runbookEntry: 'dead-letters',
  async fetch({ openDatabase, deadLetterQueue }) {
    const problems: string[] = [];
    const problem = (text: string) => problems.push(text);
    const [queue, letters] = await Promise.all([
      attempt('SQS', () => deadLetterQueue.read(), problem),
      attempt(
        'The database',
        async () => {
          const database = await openDatabase();
          // One more than is shown says that there are more.
          const options = { queue_name: deadLetterQueue.name, row_limit: MOST_ROWS + 1 };
          return database.call<OpenLetter[]>('open_dead_letters', options);
        },
        problem,
      ),
    ]);
    return { queue, letters, problems };
  },
  render({ queue, letters, problems }, frame) {
    const total = queue && queue.visible + queue.hidden;
    const rows = (letters ?? []).slice(0, MOST_ROWS).map((letter) => row(letter, frame));
    const heads = ['Job', 'Customer', 'Why it failed', 'Attempts', 'Age', 'Expires in'];
    return html`${head(news(total, letters), ...acts(queue, frame))}${problems.map(problemLine)}
      ${redriveLine(queue?.redrive, frame)}${when(rows.length > 0, table(heads, rows))}
      ${when((letters?.length ?? 0) > rows.length, html`<p>The ${rows.length} that expire first are shown.</p>`)}
      ${when(total !== 0, foot(html`Mend the cause, then redrive: slowly first. `, runbook(frame, 'dead-letters')))}`;
  },
};

function news(total: number | undefined, letters: DeadLetters['letters']): Html {
  if (total === undefined) return html`<strong class="qk-warn">How many there are is not known</strong>`;
  if (total === 0)
    return html`<span class="qk-good">No dead letters.</span>${when(Boolean(letters?.length), html` Those below have just left the queue.`)}`;
  const unread =
    letters && letters.length < Math.min(total, MOST_ROWS)
      ? html` <span class="qk-quiet">the newest are read with the next look</span>`
      : nothing;
  return html`<strong class="qk-bad">${counted(total, 'dead letter')}</strong>${unread}`;
}

function problemLine(problem: string): Html {
  return html`<p class="qk-warn" role="alert">${problem}</p>`;
}

function row(letter: OpenLetter, frame: Frame): Html {
  const expiresSoon = Date.parse(letter.expires_at) - frame.now.getTime() < SOON_MS;
  const expiry = left(letter.expires_at, frame);
  return html`<tr><td>${jobId(letter.job_id)}</td><td>${value(letter.customer_id)}</td><td class="qk-long">${reason(letter.reason)}</td>
    <td class="qk-tight">${letter.receive_count}</td><td class="qk-tight">${ago(letter.sent_at, frame)}</td>
    <td class="qk-tight">${expiresSoon ? html`<span class="qk-bad">${expiry}</span>` : expiry}</td></tr>`;
}

function acts(queue: DeadLetterDepth | undefined, frame: Frame): Html[] {
  const endpoint = frame.actArn;
  if (queue?.redrive?.status === 'RUNNING') {
    const confirmation = 'Stop the redrive? What it has moved stays moved.';
    return [actionButton({ label: 'Stop the redrive', endpoint, params: { action: 'stop' }, confirmation })];
  }
  if (queue?.visible === 0) return [];
  return [
    nameField(frame),
    actionButton({
      label: 'Redrive, 1 a second',
      endpoint,
      params: { action: 'redrive', perSecond: 1 },
      confirmation: 'Put the dead letters back to work, one a second? Those whose cause is not mended will die again.',
      isPrimary: true,
    }),
    actionButton({
      label: '10 a second',
      spoken: 'Redrive, 10 a second',
      endpoint,
      params: { action: 'redrive', perSecond: 10 },
      confirmation: 'Put the dead letters back to work, ten a second? Better after some have gone well.',
    }),
  ];
}

function redriveLine(task: RedriveTask | undefined, frame: Frame): Html {
  if (!task) return nothing;
  const started = task.startedAt ? html`, begun ${ago(task.startedAt.toISOString(), frame)}` : nothing;
  const of = task.total === undefined ? nothing : html` of ${task.total}`;
  const why = task.failure ? html`: ${task.failure}` : nothing;
  return html`<p class="qk-quiet">Latest redrive: ${task.status.toLowerCase()}${why}, ${task.moved}${of} moved${started}.</p>`;
}
