/**
 * A signal that the first Ctrl-C gives, or the end of the terminal, instead of ending the process; a second Ctrl-C ends it.
 * Dispose of it when there is nothing left to interrupt.
 */
export function onInterrupt(): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  // `once`: from then on a signal does what it always does.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, abort);
  process.on('SIGHUP', abort); // a terminal that closes gives it twice: by its shell, and by the kernel
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, abort);
    },
  };
}
