import { redact } from '../shared/redact.ts';
import { type Place, writeCursor } from './cursor.ts';

const LONGEST_ERROR = 300;

type Counts = Record<'pending' | 'in_progress' | 'completed' | 'failed', number>;

interface Job {
  readonly id: string;
  readonly status: keyof Counts;
  readonly progress: number | null;
  readonly position: number | null;
  readonly attempts: number;
  readonly priority: number | null;
  readonly package_size: number | null;
  readonly created_at: string | null;
  readonly started_at: string | null;
  readonly updated_at: string | null;
  readonly completed_at: string | null;
  readonly error: string | null;
  readonly events: readonly { readonly event: string; readonly at: string }[];
}

/** What customer_queue() answers. */
export interface CustomerQueue {
  readonly found: boolean;
  readonly counts: Counts;
  readonly jobs: readonly Job[];
  readonly next: Place | null;
}

/** The body of an answer; docs/openapi.yaml describes it. */
export interface QueueStatus {
  readonly customer_id: string;
  readonly counts: Counts;
  readonly jobs: readonly Job[];
  readonly next_cursor: string | null;
}

/** What a customer may see of its jobs, in an order that a person can read: jsonb keeps none. */
export function describeQueue(customerId: string, { counts, jobs, next }: CustomerQueue): QueueStatus {
  const { pending, in_progress, completed, failed } = counts;
  return {
    customer_id: customerId,
    counts: { pending, in_progress, completed, failed },
    jobs: jobs.map(describeJob),
    next_cursor: next && writeCursor(next),
  };
}

/** A worker's error is written for its owner: what looks like a secret or an address goes. */
function describeJob(job: Job): Job {
  return {
    id: job.id,
    status: job.status,
    progress: job.progress,
    position: job.position,
    attempts: job.attempts,
    priority: job.priority,
    package_size: job.package_size,
    created_at: readable(job.created_at),
    started_at: readable(job.started_at),
    updated_at: readable(job.updated_at),
    completed_at: readable(job.completed_at),
    error: job.error === null ? null : excerpt(redact(job.error)),
    events: job.events.map(({ event, at }) => ({ event, at })),
  };
}

/** Postgres knows a time "infinity", and years before the first and after 9999, which no reader of a date-time does. */
function readable(time: string | null): string | null {
  return time && /^\d{4}-.*\d$/.test(time) ? time : null;
}

function excerpt(text: string): string {
  return text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR - 1).toWellFormed()}…` : text;
}
