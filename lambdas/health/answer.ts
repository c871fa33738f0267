import type { Answer } from '../shared/api/serve.ts';
import type { Database } from '../shared/database.ts';
import { type Facts, judge } from './judge.ts';
import type { SystemHealth } from './system-health.ts';

export interface AnswerOptions extends Pick<Facts, 'thresholdMinutes' | 'periodMinutes'> {
  /** Ends in time. */
  readonly database: Database;
  readonly now: () => Date;
  readonly uptimeSeconds: () => number;
}

/** One question to the database, and the judgement of its answer. That there is none is an answer, too. */
export async function answerHealth(options: AnswerOptions): Promise<Answer> {
  const { database, now, uptimeSeconds, thresholdMinutes, periodMinutes } = options;
  const askedAt = now().getTime();
  let answer: SystemHealth | undefined;
  let fault: Error | undefined;
  try {
    answer = await database.call<SystemHealth>('system_health', { threshold_minutes: thresholdMinutes });
  } catch (error) {
    fault = error as Error;
  }
  const at = now();
  const latencyMs = at.getTime() - askedAt;
  return {
    ...judge({ answer, latencyMs, uptimeSeconds: uptimeSeconds(), thresholdMinutes, periodMinutes, now: at }),
    fault,
  };
}
