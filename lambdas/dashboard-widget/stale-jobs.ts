import { counted } from '../shared/counted.ts';
import { actionButton } from '../shared/cwdb-action.ts';
import { type Html, html } from '../shared/html.ts';
import { table } from '../shared/widget-page.ts';
import { ago, foot, head, jobId, nameField, runbook, value, when } from './parts.ts';
import type { Frame, View } from './view.ts';

/** More than a person reads, and few enough that the answer stays small. */
const MOST_ROWS = 50;

/** A job of list_stale_jobs(). */
export interface StaleJob {
  readonly id: string;
  readonly customer_id: string | null;
  readonly job_type: string | null;
  readonly worker_id: string | null;
  readonly stale_since: string;
  readonly reason: string;
  readonly recoveries: number;
  readonly max_recoveries: number;
  readonly held_at: string | null;
}

export interface StaleJobs {
  readonly stale: number;
  readonly jobs: readonly StaleJob[];
}

const REASONS: Readonly<Record<string, string>> = {
  heartbeat_lost: 'its worker stopped beating',
  no_heartbeat: 'never heard of since it began',
  deadline_exceeded: 'runs longer than its deadline',
};

export const staleJobs: View<StaleJobs> = {
  title: 'Stale jobs',
  about: 'The jobs whose worker shows no sign of life, longest first, with **Preview** and **Recover now**.',
  runbookEntry: 'stale-jobs',
  async fetch({ openDatabase, staleThresholdMinutes }) {
    const database = await openDatabase();
    return database.call<StaleJobs>('list_stale_jobs', {
      threshold_minutes: staleThresholdMinutes,
      row_limit: MOST_ROWS,
    });
  },
  render({ stale, jobs }, frame) {
    const threshold = html`no sign of life for more than ${frame.staleThresholdMinutes} min, or its type’s own limit`;
    if (stale === 0) return html`<p><span class="qk-good">No stale jobs.</span></p>${foot(html`Stale: ${threshold}.`)}`;
    const news = html`<strong class="qk-bad">${counted(stale, 'stale job')}</strong>`;
    const heads = ['Job', 'Customer', 'Type', 'Worker', 'Stale since', 'Why', 'Recovered', ''];
    return html`${head(news, nameField(frame))}${table(
      heads,
      jobs.map((job) => row(job, frame)),
    )}
      ${when(stale > jobs.length, html`<p>The ${jobs.length} longest stale are shown, of ${stale}.</p>`)}
      ${foot(html`They are recovered by themselves, a batch every few minutes. Stale: ${threshold}. `, runbook(frame, 'stale-jobs'))}`;
  },
};

function row(job: StaleJob, frame: Frame): Html {
  const { id, customer_id, job_type, worker_id, stale_since, reason, recoveries, max_recoveries, held_at } = job;
  const why = held_at
    ? html`<span class="qk-warn">on hold</span>, a person decides`
    : html`${REASONS[reason] ?? reason}`;
  return html`<tr><td>${jobId(id)}</td><td>${value(customer_id)}</td><td>${value(job_type)}</td><td>${value(worker_id)}</td>
    <td class="qk-tight">${ago(stale_since, frame)}</td><td>${why}</td><td class="qk-tight">${recoveries} of ${max_recoveries}</td>
    <td class="qk-acts">${buttons(job, frame)}</td></tr>`;
}

function buttons({ id, held_at }: StaleJob, { readArn, actArn }: Frame): Html[] {
  const label = held_at ? 'Release' : 'Recover now';
  const confirmation = held_at
    ? `Release job ${id}? Its type is put on hold because running it twice may do harm: be sure that it has not done its work already.`
    : `Recover job ${id} now? If its worker is alive after all, what that worker has done may be done twice.`;
  return [
    actionButton({
      label: 'Preview',
      spoken: `Preview the recovery of job ${id}`,
      endpoint: readArn,
      params: { view: 'preview', jobId: id },
    }),
    actionButton({
      label,
      spoken: `${label}: job ${id}`,
      endpoint: actArn,
      params: { action: 'recover', jobId: id },
      confirmation,
      isPrimary: true,
    }),
  ];
}
