import type { AllClear, DeadLetterAlert } from '../../lambdas/dlq-monitor/message.ts';
import type { DeadLetter } from '../../lambdas/dlq-monitor/message-parts.ts';

export const NOW = new Date('2026-11-24T15:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A moment before `NOW`. */
export function ago(ms: number): Date {
  return new Date(NOW.getTime() - ms);
}

const RETENTION_SECONDS = 14 * 86_400;

export function aDeadLetter({ sentAt = ago(2 * HOUR), ...rest }: Partial<DeadLetter> = {}): DeadLetter {
  return {
    messageId: '0f1b2c3d-0000-4000-8000-000000000001',
    jobId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    customerId: 'cust_4711',
    jobType: 'directory_submission',
    reason: 'Timeout after 30000 ms waiting for "#submit" on https://directory.example/add?id=12',
    receiveCount: 3,
    sentAt,
    expiresAt: new Date(sentAt.getTime() + RETENTION_SECONDS * 1_000),
    firstSeenAt: ago(4 * MINUTE),
    ...rest,
  };
}

const QUEUE = {
  name: 'queuekeeper-jobs-dlq',
  region: 'us-east-1',
  account: '123456789012',
};

const LINKS = {
  queueConsole:
    'https://us-east-1.console.aws.amazon.com/sqs/v3/home?region=us-east-1#/queues/https%3A%2F%2Fsqs.us-east-1.amazonaws.com%2F123456789012%2Fqueuekeeper-jobs-dlq',
  dashboard:
    'https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/Queuekeeper',
  runbook: 'https://example.com/docs/runbook.md#dead-letters',
};

export function anAlert(overrides: Partial<DeadLetterAlert> = {}): DeadLetterAlert {
  return {
    kind: 'first',
    queue: QUEUE,
    depth: { visible: 1, inFlight: 0, delayed: 0 },
    newCount: 1,
    deadLetters: [aDeadLetter()],
    since: ago(4 * MINUTE),
    retentionSeconds: RETENTION_SECONDS,
    links: LINKS,
    redriveCommand:
      'aws sqs start-message-move-task --source-arn arn:aws:sqs:us-east-1:123456789012:queuekeeper-jobs-dlq --max-number-of-messages-per-second 10 --region us-east-1',
    now: NOW,
    ...overrides,
  };
}

export function anAllClear(overrides: Partial<AllClear> = {}): AllClear {
  return {
    queue: QUEUE,
    cleared: { redriven: 7, deleted: 0, expired: [], unknown: 0 },
    since: ago(3 * HOUR),
    links: LINKS,
    now: NOW,
    ...overrides,
  };
}
