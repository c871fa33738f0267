/** In a short name, a second edit makes another word of it: STACK of STAGE. */
const SHORT = 8;

/**
 * The name that was probably meant.
 * @returns undefined for a name that is right, and for one that is like none of them: the file may serve other programs, too
 */
export function meantName(name: string, names: readonly string[]): string | undefined {
  if (names.includes(name)) return undefined;
  const edits = name.length < SHORT ? 1 : 2;
  return names.find((known) => isWithin(edits, name.toUpperCase(), known));
}

/** Whether so many letters dropped, added, replaced or swapped with their neighbour make the one of the other. */
function isWithin(edits: number, a: string, b: string): boolean {
  if (a === b) return true;
  if (a[0] === b[0]) return isWithin(edits, a.slice(1), b.slice(1));
  if (edits === 0) return false;
  const isSwapped = a[0] === b[1] && a[1] === b[0];
  return (
    isWithin(edits - 1, a.slice(1), b) ||
    isWithin(edits - 1, a, b.slice(1)) ||
    isWithin(edits - 1, a.slice(1), b.slice(1)) ||
    (isSwapped && isWithin(edits - 1, a.slice(2), b.slice(2)))
  );
}
