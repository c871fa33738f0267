import { pause } from '../pause.ts';
import { type Check, type CheckRun, Fault, NotChecked } from './check.ts';
import { readLog } from './log-events.ts';
import { sendTestLetter } from './test-letter.ts';

const ALERT_SENT = 'Slack alert sent successfully';
/** A run that has begun before the message was there, a cold start, and a log line's way. */
const GRACE_SECONDS = 90;
const LOOK_EVERY_MS = 2_000;

/** @param isQuick leave it out: it takes as long as the dlq-monitor's period */
export function deadLetter(isQuick: boolean): Check {
  return {
    name: 'Dead letters',
    needs: ['Settings', 'AWS', 'Slack', 'dlq-monitor'],
    follows: ['Database', 'Secrets'],
    async run(run) {
      if (isQuick) throw new NotChecked('left out by --quick');
      const sentAt = new Date();
      const letter = await sendTestLetter(run.context);
      let seen: string;
      try {
        seen = await waitForAlert(run, letter.isRecorded, sentAt);
      } finally {
        if (run.signal.aborted) run.context.output.note('Removing the test message …');
        await letter.remove((text) => run.tell(`Dead letters: ${text}`));
      }
      return `${seen}, and the message is removed again; Slack will hear of the all clear, too`;
    },
  };
}

async function waitForAlert(run: CheckRun, isRecorded: () => Promise<boolean>, sentAt: Date): Promise<string> {
  const { settings, stage, clients } = run.context;
  const functionName = `queuekeeper-${stage}-dlq-monitor`;
  await waitUntil(run, 'the dlq-monitor to find a test message', isRecorded);
  if (settings.DLQ_ALERT_THRESHOLD > 1) {
    return `a test message was found; whether it was told depends on DLQ_ALERT_THRESHOLD (${settings.DLQ_ALERT_THRESHOLD})`;
  }
  const query = { client: clients.logs, functionName, since: sentAt, pattern: `"${ALERT_SENT}"` };
  await waitUntil(run, 'its alert to Slack', async () =>
    Boolean((await readLog(query))?.some((line) => line.includes(ALERT_SENT))),
  );
  return 'a test message led to an alert';
}

async function waitUntil(run: CheckRun, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const { settings, stage } = run.context;
  const seconds = settings.DLQ_CHECK_MINUTES * 60 + GRACE_SECONDS;
  const until = Date.now() + seconds * 1_000;
  while (!(await isSo())) {
    const leftMs = until - Date.now();
    if (leftMs <= 0) {
      throw new Fault(
        `waited ${seconds} s in vain for ${what}`,
        `Read what the monitor says: aws logs tail /aws/lambda/queuekeeper-${stage}-dlq-monitor`,
      );
    }
    run.tell(`Dead letters: waiting for ${what}, ${Math.ceil(leftMs / 1_000)} s at most`);
    await pause(Math.min(LOOK_EVERY_MS, leftMs), run.signal);
    run.signal.throwIfAborted();
  }
}
