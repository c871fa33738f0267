/**
 * A signal that the first Ctrl-C gives, instead of ending the process; a second one ends it.
 * Dispose of it when there is nothing left to interrupt.
 */
export function onInterrupt(): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  // `once`: from then on a signal does what it always does.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, abort);
    },
  };
}
