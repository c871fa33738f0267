import type { Database } from '../shared/database.ts';
import type { Html } from '../shared/html.ts';
import type { WidgetEvent } from '../shared/widget-event.ts';
import type { DeadLetterSource } from './dead-letter-source.ts';

/** What a view reads from. */
export interface Sources {
  /** @throws when the database's key cannot be read */
  readonly openDatabase: () => Promise<Database>;
  readonly deadLetterQueue: DeadLetterSource;
  readonly staleThresholdMinutes: number;
  readonly rateLimit: { readonly requests: number; readonly windowMs: number };
}

/** What a view needs besides its data. */
export interface Frame {
  readonly event: WidgetEvent;
  readonly now: Date;
  readonly staleThresholdMinutes: number;
  readonly staleCheckMinutes: number;
  readonly rateLimit: Sources['rateLimit'];
  /** This function, for what only reads, and the one that acts. */
  readonly readArn: string;
  readonly actArn: string;
  readonly runbookUrl?: string;
}

/** One table of the dashboard: it fetches, then a pure function renders. */
export interface View<Data> {
  /** What it shows, for the error that it cannot. */
  readonly title: string;
  /** For the one who builds a dashboard, in Markdown. */
  readonly about: string;
  /** The heading of docs/runbook.md that goes with it. */
  readonly runbookEntry: string;
  fetch(sources: Sources, event: WidgetEvent): Promise<Data>;
  render(data: Data, frame: Frame): Html;
}
