import { html } from '../shared/html.ts';
import { consequence, jobIdOf, type OneRecovery } from '../shared/recovery.ts';
import { refusalOf } from '../shared/refusal.ts';
import type { View } from './view.ts';

type Preview = { readonly recovery: OneRecovery } | { readonly refusal: string };

/** What "Recover now" would do to one job: the same statement, which changes nothing. */
export const preview: View<Preview> = {
  title: 'Preview of a recovery',
  about: 'What **Recover now** would do to the job that the parameter `jobId` names. Changes nothing.',
  runbookEntry: 'stale-jobs',
  async fetch({ openDatabase, staleThresholdMinutes }, { params }) {
    const jobId = jobIdOf(params);
    if (!jobId) return { refusal: 'The button names no job.' };
    const database = await openDatabase();
    try {
      const recovery = await database.call<OneRecovery>('recover_stale_job', {
        job_id: jobId,
        requested_by: 'a preview, which is not recorded',
        threshold_minutes: staleThresholdMinutes,
        dry_run: true,
      });
      return { recovery };
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      return { refusal };
    }
  },
  render(result, { staleCheckMinutes }) {
    if ('refusal' in result) return html`<p><strong>It would not be recovered:</strong> ${result.refusal}.</p>`;
    const { job_id, recoveries, lease_before, lease_after } = result.recovery;
    return html`<p><strong>If you recover job <code>${job_id}</code> now</strong></p>
      ${consequence(result.recovery, false, staleCheckMinutes)}
      <p class="qk-quiet">Recoveries in a row: ${recoveries}. Lease: ${lease_before} to ${lease_after}; a worker with the old one is told that it lost the job. Nothing was changed.</p>`;
  },
};
