import type { ReceivedMessage } from '../slack-page.ts';
import type { LocalSystem } from '../system.ts';
import type { Fleet } from './fleet.ts';
import type { Tell } from './narrator.ts';
import { redriveBy } from './redrive.ts';
import { readAlert, readRedriven, titleOf } from './slack-words.ts';

/** A person's time to read the alert and to mend the worker, shortened. */
const REPAIR_MS = 2_000;

export type DeadLetterChapter = {
  /** Looks at the queue and at Slack, and does what a person would. To be called again and again. */
  look(): void;
  /** The all clear has come. */
  isOver(): boolean;
  /** Messages about dead letters that Slack took. */
  alerts(): number;
  /** From the first sight of the dead letter in its queue to the alert; undefined when there was none. */
  alertSeconds(): number | undefined;
};

export type DeadLetterOptions = {
  readonly system: LocalSystem;
  readonly fleet: Fleet;
  readonly tell: Tell;
};

/** The dead letter's part of the demo: alert, repair, redrive by the command of the alert, all clear. */
export function createDeadLetterChapter({ system, fleet, tell }: DeadLetterOptions): DeadLetterChapter {
  let read = 0;
  let arrived = 0;
  let diedAt: Date | undefined;
  let alertedAt: Date | undefined;
  let alerts = 0;
  let isOver = false;
  const deadLetterQueue = system.dlqUrl.split('/').at(-1);

  function onAlert(message: ReceivedMessage): void {
    const { cause, expiresIn, command } = readAlert(message);
    tell('Slack', 'alert', `${titleOf(message)}\ncause: ${cause}; expires in ${expiresIn}\nsee ${system.apiUrl}/slack`);
    if (alertedAt) return;
    alertedAt = message.at;
    setTimeout(() => repair(command).catch((error) => tell('Redrive', 'failed', String(error))), REPAIR_MS);
  }

  async function repair(command: string): Promise<void> {
    fleet.fix();
    tell('Workers', 'fixed', 'they take a website without https:// now');
    await redriveBy(command, system.sqsEndpoint);
    tell('Dead-letter queue', 'redrive', `by the command in that alert:\n${command}`);
  }

  function onAllClear(message: ReceivedMessage): void {
    isOver = true;
    tell('Slack', 'clear', `${titleOf(message)}\nredriven ${readRedriven(message)}`);
  }

  function onMessage(message: ReceivedMessage): void {
    const title = titleOf(message);
    const isAlert = title.includes('Dead Letter Queue');
    if (isAlert) alerts += 1;
    if (!isAlert) tell('Slack', title.startsWith('🔴') ? 'alarm' : 'OK', title);
    else if (title.startsWith('🚨')) onAlert(message);
    else onAllClear(message);
  }

  return {
    look() {
      const isDead = system.sqs.visibleMessages().some(([name, count]) => name === deadLetterQueue && count > 0);
      if (isDead) diedAt ??= new Date();
      // Told one look after it came: by then the history has told what led to it.
      for (; read < arrived; read += 1) onMessage(system.slack.messages[read] as ReceivedMessage);
      arrived = system.slack.messages.length;
    },
    isOver: () => isOver,
    alerts: () => alerts,
    alertSeconds: () => diedAt && alertedAt && Math.max(0, alertedAt.getTime() - diedAt.getTime()) / 1_000,
  };
}
