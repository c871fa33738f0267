import fc from 'fast-check';
import type { Caller } from '../../lambdas/dashboard-widget/callers.ts';
import type { QueueEvent } from '../../lambdas/dashboard-widget/events.ts';
import type { StaleJob } from '../../lambdas/dashboard-widget/stale-jobs.ts';
import type { Frame } from '../../lambdas/dashboard-widget/view.ts';
import type { OpenLetter } from '../../lambdas/shared/open-letter.ts';
import { readWidgetEvent } from '../../lambdas/shared/widget-event.ts';

const NOW = new Date('2026-11-24T18:00:00Z');
const MINUTE = 60_000;

export function aFrame(event: object = {}, different: Partial<Frame> = {}): Frame {
  return {
    event: readWidgetEvent(event),
    now: NOW,
    staleThresholdMinutes: 10,
    staleCheckMinutes: 2,
    rateLimit: { requests: 100, windowMs: 60_000 },
    readArn: 'arn:aws:lambda:us-east-1:1:function:read:live',
    actArn: 'arn:aws:lambda:us-east-1:1:function:act:live',
    runbookUrl: 'https://example.com/runbook.md',
    ...different,
  };
}

/** A moment so many minutes before now; after it where that is negative. */
export function minutesAgo(minutes: number): string {
  return new Date(NOW.getTime() - minutes * MINUTE).toISOString();
}

export function aStaleJob(different: Partial<StaleJob> = {}): StaleJob {
  return {
    id: '00000000-0000-4000-8000-000000000007',
    customer_id: 'acme',
    job_type: 'submit',
    worker_id: 'worker-7',
    stale_since: minutesAgo(12),
    reason: 'heartbeat_lost',
    recoveries: 1,
    max_recoveries: 3,
    held_at: null,
    ...different,
  };
}

export function anOpenLetter(different: Partial<OpenLetter> = {}): OpenLetter {
  return {
    message_id: 'message-1',
    job_id: '00000000-0000-4000-8000-000000000007',
    customer_id: 'acme',
    reason: 'HTTP 503 from the directory',
    receive_count: 5,
    sent_at: minutesAgo(60),
    expires_at: minutesAgo(-13 * 24 * 60),
    ...different,
  };
}

export function aCaller(different: Partial<Caller> = {}): Caller {
  return {
    caller: 'uZ8q',
    route: 'GET /api/health',
    requests: 500,
    requests_in_window: 12,
    is_limited: false,
    last_request_at: minutesAgo(0),
    ...different,
  };
}

export function aQueueEvent(different: Partial<QueueEvent> = {}): QueueEvent {
  return {
    created_at: minutesAgo(3),
    event: 'requeued_stale',
    job_id: '00000000-0000-4000-8000-000000000007',
    worker_id: 'worker-7',
    details: { reason: 'heartbeat_lost', lease_before: 4, run_id: 'x', breaker_open: false },
    ...different,
  };
}

/** What tries to become HTML or to leave an attribute, an element, a style or JSON. */
export const hostileHtml: fc.Arbitrary<string> = fc.constantFrom(
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  "' onmouseover='alert(1)",
  '</cwdb-action><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '</time></td></tr></table><h1>You are safe</h1>',
  '&lt;script&gt;',
  '"}</cwdb-action><a class="btn">Free money</a><cwdb-action action="call" endpoint="arn:evil">{"a":"',
  'javascript:alert(1)',
);
