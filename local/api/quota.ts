import type { QuotaPeriod } from './usage-plan.ts';

/** Counts what each key has used of its quota in the present period, which is one of the calendar in UTC. */
export function createQuotas(now: () => number) {
  const used = new Map<string, { start: number; count: number }>();
  return {
    /** False when nothing is left; then nothing is counted. */
    take(key: string, { limit, period }: { limit: number; period: QuotaPeriod }): boolean {
      const start = periodStart(period, new Date(now()));
      const known = used.get(key);
      const count = known?.start === start ? known.count : 0;
      if (count >= limit) return false;
      used.set(key, { start, count: count + 1 });
      return true;
    },
  };
}

export function periodStart(period: QuotaPeriod, at: Date): number {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (period === 'MONTH') return Date.UTC(year, month);
  // A week begins on Sunday.
  return Date.UTC(year, month, period === 'WEEK' ? day - at.getUTCDay() : day);
}
