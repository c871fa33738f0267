import type { Output } from './output.ts';

/** Work that is done by then needs no word. */
const SILENT_MS = 2_000;
const TICK_MS = 1_000;
/** Where lines stay, as in the log of a CI, they come less often. */
const LINE_EVERY_MS = 15_000;

/** Replaces what is said to be going on. */
export type Tell = (what: string) => void;

/** Does the work, and from two seconds on says on stderr what it is at and for how long. */
export async function withProgress<T>(
  output: Pick<Output, 'note' | 'status' | 'hasStatus'>,
  what: string,
  work: (tell: Tell) => Promise<T>,
): Promise<T> {
  const startedAt = Date.now();
  let now = what;
  let lastLineAt = Number.NEGATIVE_INFINITY;
  const show = () => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    if (output.hasStatus) output.status(`… ${now} (${seconds} s)`);
    else if (Date.now() - lastLineAt >= LINE_EVERY_MS) {
      lastLineAt = Date.now();
      output.note(`… ${now} (${seconds} s)`);
    }
  };
  let timer = setTimeout(() => {
    show();
    timer = setInterval(show, TICK_MS);
  }, SILENT_MS);
  try {
    return await work((text) => {
      now = text;
    });
  } finally {
    clearInterval(timer);
    output.status(undefined);
  }
}
