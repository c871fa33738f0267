import type { SlackMessage } from '../shared/slack-message.ts';
import type { QueueAttributes } from './dead-letter-queue.ts';
import type { Decision, Incident } from './decide.ts';
import type { Cleared } from './ledger.ts';
import type { Look } from './look.ts';
import { allClear, deadLetterAlert } from './message.ts';
import type { Queue, Unknown } from './message-parts.ts';

/** AWS advises to start a redrive slowly: the cause may not be gone. */
const REDRIVES_PER_SECOND = 10;

export interface Place {
  readonly queue: Queue;
  readonly console: string;
  readonly redriveCommand: string;
}

/** What the queue's ARN says: its name, where it is, and how a person gets there. */
export function placeOf(queueUrl: string, arn: string): Place {
  const [, , , region = '', account = '', name = ''] = arn.split(':');
  return {
    queue: { name, region, account },
    console: `https://${region}.console.aws.amazon.com/sqs/v3/home?region=${region}#/queues/${encodeURIComponent(queueUrl)}`,
    redriveCommand:
      `aws sqs start-message-move-task --region ${region} --source-arn ${arn} ` +
      `--max-number-of-messages-per-second ${REDRIVES_PER_SECOND}`,
  };
}

export interface Facts {
  readonly place: Place;
  readonly depth: QueueAttributes;
  readonly decision: Decision;
  readonly look: Look;
  readonly isStateKnown: boolean;
  readonly links: { readonly runbook?: string; readonly dashboard?: string };
  readonly now: Date;
}

export function composeAlert({ place, depth, decision, look, isStateKnown, links, now }: Facts): SlackMessage {
  const { speak, newCount, incident } = decision;
  const unknown: Unknown[] = [
    ...(look.deadLetters.length === 0 ? (['messages'] as const) : []),
    ...(isStateKnown ? [] : (['state'] as const)),
    ...(look.isDatabaseKnown ? [] : (['database'] as const)),
  ];
  return deadLetterAlert({
    kind: speak === 'growth' || speak === 'reminder' ? speak : 'first',
    queue: place.queue,
    depth,
    newCount: isStateKnown ? newCount : undefined,
    deadLetters: look.deadLetters,
    since: incident ? new Date(incident.since) : now,
    retentionSeconds: depth.retentionSeconds,
    links: { ...links, queueConsole: place.console },
    redriveCommand: place.redriveCommand,
    unknown,
    now,
  });
}

const NOTHING_KNOWN: Cleared = { redriven: 0, deleted: 0, unknown: 0, expired: [] };

/** @param cleared undefined when the database could not say */
export function composeAllClear(facts: Facts, incident: Incident, cleared: Cleared | undefined): SlackMessage {
  const { place, links, now } = facts;
  const { redriven, deleted, unknown, expired } = cleared ?? NOTHING_KNOWN;
  // What was counted but never read and recorded has gone, too.
  const unread = Math.max(0, incident.peak - redriven - deleted - unknown - expired.length);
  return allClear({
    queue: place.queue,
    cleared: { redriven, deleted, expired, unknown: unknown + unread },
    since: new Date(incident.since),
    links: { ...links, queueConsole: place.console },
    unknown: cleared ? [] : ['database'],
    now,
  });
}
