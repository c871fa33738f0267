import { redact } from '../shared/redact.ts';

/** Longest normalised reason: enough to tell two failures apart, short enough for one line. */
const LONGEST_CAUSE = 160;

/** What differs between two occurrences of one failure. Order matters: a URL holds numbers, a uuid holds hex. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'`<>)\]]+/gi, '<url>'],
  [/\[e-mail\]/g, '<e-mail>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/"[^"]*"|`[^`]*`|(?<!\w)'[^']*'(?!\w)/g, '<text>'],
  [/\b0x[0-9a-f]+\b/gi, '<hex>'],
  [/\b(?=[0-9a-f]{0,63}\d)(?=\d{0,63}[a-f])[0-9a-f]{8,64}\b/gi, '<hex>'],
  [/\d+(?:[.,]\d+)*/g, '<n>'],
];

/** The first line of a reason with what varies replaced, so that a thousand failures of one kind are one cause. */
export function normaliseReason(reason: string): string {
  const firstLine = redact(reason).trim().split(/\r?\n/, 1)[0] ?? '';
  const normalised = VARYING.reduce((text, [varying, placeholder]) => text.replace(varying, placeholder), firstLine);
  return normalised.replace(/\s+/g, ' ').trim().slice(0, LONGEST_CAUSE);
}

type Failure = { jobType?: string; reason?: string; firstSeenAt: Date };

export type Cause = { jobType?: string; reason: string; count: number; firstSeenAt: Date; lastSeenAt: Date };

/** Failures grouped by job type and normalised reason, the most frequent first, then the most recent. */
export function groupCauses(failures: readonly Failure[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const { jobType, reason = '', firstSeenAt } of failures) {
    const normalised = normaliseReason(reason);
    const key = JSON.stringify([jobType ?? null, normalised]);
    const known = causes.get(key);
    causes.set(key, {
      jobType,
      reason: normalised,
      count: (known?.count ?? 0) + 1,
      firstSeenAt: known && known.firstSeenAt < firstSeenAt ? known.firstSeenAt : firstSeenAt,
      lastSeenAt: known && known.lastSeenAt > firstSeenAt ? known.lastSeenAt : firstSeenAt,
    });
  }
  return [...causes.values()].sort((a, b) => b.count - a.count || b.lastSeenAt.getTime() - a.lastSeenAt.getTime());
}
