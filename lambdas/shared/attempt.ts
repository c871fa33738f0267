/**
 * One part of a run. What goes wrong is told as a problem that names the part, and the run goes on with the rest.
 * @returns what the work answered; undefined when it failed
 */
export async function attempt<T>(
  what: string,
  work: () => Promise<T> | undefined,
  problem: (text: string) => void,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    problem(`${what}: ${(error as Error).message}`);
    return undefined;
  }
}
