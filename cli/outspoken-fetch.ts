import { explainError } from './explain-error.ts';

/** A fetch whose errors tell their cause in their message: that is all that Supabase's client hands on of them. */
export const outspokenFetch: typeof fetch = async (input, init) => {
  try {
    return await fetch(input, init);
  } catch (error) {
    if (!Error.isError(error) || error.cause === undefined) throw error;
    throw new TypeError(explainError(error), { cause: error.cause });
  }
};
