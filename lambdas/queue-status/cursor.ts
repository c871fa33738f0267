/** The last job of a page: the next page begins behind it. */
export interface Place {
  /** As Postgres wrote it, in UTC to the microsecond; a Date would cut it to the millisecond and skip jobs. */
  readonly created_at: string;
  readonly id: string;
}

/** A year may have more than four digits: where milliseconds were stored as seconds, say. */
const TIME = /^(?!0000)(\d{4}|[1-9]\d{4,5})-(\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\+00:00$/;
const LAST_YEAR_OF_POSTGRES = 294_276;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The time of a job that has none. */
const NO_TIME = '-infinity';
const LONGEST = 128;

/** Opaque to clients, so that what a page begins behind may change. */
export function writeCursor({ created_at, id }: Place): string {
  return Buffer.from(`${created_at} ${id}`).toString('base64url');
}

/** Undefined unless the text is one that writeCursor could have written: the database must never refuse it. */
export function readCursor(text: string): Place | undefined {
  if (text.length > LONGEST) return undefined;
  const [created_at = '', id = ''] = Buffer.from(text, 'base64url').toString().split(' ');
  const isTime = created_at === NO_TIME || isRealTime(created_at);
  // Node passes over what is no base64url; written again, the text must be the same.
  return isTime && UUID.test(id) && writeCursor({ created_at, id }) === text ? { created_at, id } : undefined;
}

/** Whether the calendar has it: JavaScript would take the 30th of February for the 2nd of March. */
function isRealTime(text: string): boolean {
  const [, year = '', rest] = TIME.exec(text) ?? [];
  // The calendar is the same every 400 years, and JavaScript's ends before that of Postgres.
  const seconds = `${2000 + (Number(year) % 400)}-${rest}`;
  const date = new Date(`${seconds}Z`);
  const isInCalendar = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(seconds);
  return isInCalendar && Number(year) <= LAST_YEAR_OF_POSTGRES;
}
