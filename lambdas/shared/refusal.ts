import { DatabaseError } from './database.ts';

/**
 * What the database said when it refused just these arguments, in its own words; undefined when it is not known
 * whether it did what it was asked, or whether it heard it at all.
 */
export function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof DatabaseError) || error.isUnavailable) return undefined;
  const { message } = error.cause as { message?: string };
  return message ?? error.message;
}
