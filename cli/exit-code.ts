import { CommanderError } from 'commander';

/** What a script that runs a command can tell from its exit code. */
export const EXIT = {
  ok: 0,
  /** It failed, or it found problems. */
  failed: 1,
  /** Called wrongly (an option, a value, a setting, no --yes): nothing was done. */
  usage: 2,
} as const;

/** The caller must change the call; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The error of a reader of settings, as one of the caller's. */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
