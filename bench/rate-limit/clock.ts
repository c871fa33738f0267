/** Milliseconds since 1970 by a clock that nobody sets back, and that a thread whose Date is wrong reads rightly. */
export function trueNow(): number {
  return performance.timeOrigin + performance.now();
}

export async function waitUntil(time: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(time - trueNow(), 0)));
}
