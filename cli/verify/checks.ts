import type { Context } from '../context.ts';
import { aws } from './aws.ts';
import type { Check } from './check.ts';
import { database, outsiders } from './database.ts';
import { deadLetter } from './dead-letter.ts';
import { health } from './health.ts';
import { logs } from './logs.ts';
import { monitor } from './monitor.ts';
import { rateLimit } from './rate-limit.ts';
import { secrets } from './secrets.ts';
import { settings } from './settings.ts';
import { slack } from './slack.ts';

export interface VerifyScope {
  readonly isQuick: boolean;
  /** @default false */
  readonly isLocal?: boolean;
}

/**
 * The acceptance list, in the order in which one thing builds on another.
 * @param context or why there is none
 */
export function allChecks(context: Context | Error, { isQuick, isLocal = false }: VerifyScope): Check[] {
  return [
    settings(context),
    ...(isLocal ? [] : [aws]),
    database,
    outsiders,
    secrets,
    slack,
    monitor('stale-job-monitor'),
    monitor('dlq-monitor'),
    health,
    rateLimit,
    deadLetter(isQuick),
    logs,
  ];
}
