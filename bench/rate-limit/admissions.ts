import type { Decide } from './arm.ts';
import { trueNow } from './clock.ts';

/** A request that was admitted at some moment between these two. */
export type Admission = { readonly askedAt: number; readonly answeredAt: number };

/** Asks so many times, one after another, and answers when each was admitted; undefined where it was not. */
export async function askInARow(
  decide: Decide,
  caller: string,
  times: number,
  everyMs = 0,
): Promise<(Admission | undefined)[]> {
  const answers: (Admission | undefined)[] = [];
  for (let count = 0; count < times; count += 1) {
    const askedAt = trueNow();
    const admitted = await decide(caller);
    answers.push(admitted ? { askedAt, answeredAt: trueNow() } : undefined);
    const restMs = askedAt + everyMs - trueNow();
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return answers;
}

/** The most requests that were for certain admitted within one window, wherever it begins. */
export function mostWithin(windowMs: number, admissions: readonly (Admission | undefined)[]): number {
  const admitted = admissions.filter((one) => one !== undefined);
  const counts = admitted.map(
    (first) =>
      admitted.filter((one) => one.askedAt >= first.askedAt && one.answeredAt - first.askedAt < windowMs).length,
  );
  return Math.max(0, ...counts);
}
