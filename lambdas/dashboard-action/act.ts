import { SQSServiceException } from '@aws-sdk/client-sqs';
import { counted } from '../shared/counted.ts';
import type { Database } from '../shared/database.ts';
import { type Html, html } from '../shared/html.ts';
import { consequence, jobIdOf, type OneRecovery } from '../shared/recovery.ts';
import { refusalOf } from '../shared/refusal.ts';
import { textOf, type WidgetEvent } from '../shared/widget-event.ts';
import type { Redrive } from './redrive.ts';

/** Slow enough to see whether they die again, and faster for those who have seen that they do not. */
const SPEEDS: readonly unknown[] = [1, 10];

export interface ActOptions {
  /** @throws when the database's key cannot be read */
  readonly openDatabase: () => Promise<Database>;
  readonly redrive: Redrive;
  readonly staleThresholdMinutes: number;
  readonly staleCheckMinutes: number;
  readonly requestedBy: string;
}

export interface Outcome {
  readonly isDone: boolean;
  /** In few words, for the log. */
  readonly summary: string;
  readonly html: Html;
}

/**
 * Does what a button asks for. Asked for twice it does no harm, also at once: a job that is no longer stale is left
 * alone, and one redrive runs at a time.
 * @throws when it is not known whether it was done
 */
export async function act(event: WidgetEvent, options: ActOptions): Promise<Outcome> {
  try {
    return await perform(event, options);
  } catch (error) {
    const refusal = refusalOf(error) ?? refusalOfSqs(error);
    if (refusal === undefined) throw error;
    return refused(refusal);
  }
}

/** What SQS said when it refused: another redrive has begun, or the one to stop has ended, since we looked. */
function refusalOfSqs(error: unknown): string | undefined {
  if (!(error instanceof SQSServiceException) || error.$fault !== 'client') return undefined;
  return error.message.replace(/\.$/, '');
}

async function perform({ params }: WidgetEvent, options: ActOptions): Promise<Outcome> {
  switch (params['action']) {
    case 'recover':
      return recover(jobIdOf(params), options);
    case 'redrive':
      return startRedrive(params['perSecond'], options);
    case 'stop':
      return stopRedrive(options);
    default:
      return refused(`the action is “${textOf(params['action'])}”, wanted recover, redrive or stop`);
  }
}

async function recover(jobId: string | undefined, options: ActOptions): Promise<Outcome> {
  if (!jobId) return refused('the button names no job');
  const database = await options.openDatabase();
  const recovery = await database.call<OneRecovery>('recover_stale_job', {
    job_id: jobId,
    requested_by: options.requestedBy,
    threshold_minutes: options.staleThresholdMinutes,
  });
  return {
    isDone: true,
    summary: `job ${jobId}: ${recovery.action}`,
    html: html`<p><strong class="qk-good">Done.</strong> Job <code>${jobId}</code></p>${consequence(recovery, true, options.staleCheckMinutes)}`,
  };
}

async function startRedrive(perSecond: unknown, { redrive }: ActOptions): Promise<Outcome> {
  if (!SPEEDS.includes(perSecond)) {
    return refused(`the speed is “${textOf(perSecond)}” a second, wanted ${SPEEDS.join(' or ')}`);
  }
  const { visible, task } = await redrive.look();
  if (task?.status === 'RUNNING') return refused(`a redrive is running already, ${task.moved} moved so far`);
  if (visible === 0) return refused('the dead-letter queue holds no message that could be moved');
  await redrive.start(perSecond as number);
  return {
    isDone: true,
    summary: `redrive of ${visible} begun at ${perSecond} a second`,
    html: html`<p><strong class="qk-good">Begun.</strong> ${visible === 1 ? '1 message goes' : `${visible} messages go`} back to work, ${perSecond as number} a second.</p>
      <p>Watch whether they come back: a message whose cause is not mended dies again. The table has a button that stops it.</p>`,
  };
}

async function stopRedrive({ redrive }: ActOptions): Promise<Outcome> {
  const { task } = await redrive.look();
  if (task?.status !== 'RUNNING' || !task.handle) return refused('no redrive is running');
  const moved = await redrive.stop(task.handle);
  return {
    isDone: true,
    summary: `redrive stopped after ${moved}`,
    html: html`<p><strong class="qk-good">Stopped.</strong> ${counted(moved, 'message')} had been moved before; what remains are dead letters as before.</p>`,
  };
}

function refused(why: string): Outcome {
  return {
    isDone: false,
    summary: `nothing was done: ${why}`,
    html: html`<p><strong class="qk-warn">Nothing was done:</strong> ${why}.</p>`,
  };
}
