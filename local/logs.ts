import { AwsError } from './aws-error.ts';
import type { Actions } from './control-plane.ts';
import { logFilter } from './log-filter.ts';

/** Of each function; older ones are forgotten. */
const MOST_LINES = 10_000;
const MOST_PER_PAGE = 10_000;

type LogEvent = { readonly eventId: string; readonly timestamp: number; readonly message: string };

/** The part of CloudWatch Logs that a person reads: the lines of each function, by its log group. */
export function createLogs(functionNames: readonly string[]) {
  const groups = new Map(functionNames.map((name) => [`/aws/lambda/${name}`, [] as LogEvent[]]));
  let count = 0;
  return {
    add(functionName: string, message: string): void {
      const events = groups.get(`/aws/lambda/${functionName}`);
      if (!events) throw new Error(`There is no function ${functionName} whose line could be kept`);
      count += 1;
      events.push({ eventId: String(count).padStart(12, '0'), timestamp: Date.now(), message });
      if (events.length > MOST_LINES) events.shift();
    },
    actions: {
      'Logs_20140328.FilterLogEvents': (query: FilterLogEvents) => {
        const events = groups.get(query.logGroupName ?? '');
        if (!events) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
        return filterEvents(events, query);
      },
    } satisfies Actions,
  };
}

type FilterLogEvents = {
  logGroupName?: string;
  startTime?: number;
  endTime?: number;
  filterPattern?: string;
  limit?: number;
  nextToken?: string;
};

/** The token is the last event of the page before, so that a page does not shift while lines come in. */
function filterEvents(events: readonly LogEvent[], query: FilterLogEvents): object {
  const { startTime = 0, endTime = Infinity, filterPattern = '', limit = MOST_PER_PAGE, nextToken = '' } = query;
  const matches = logFilter(filterPattern);
  const found = events.filter(
    ({ eventId, timestamp, message }) =>
      eventId > nextToken && timestamp >= startTime && timestamp < endTime && matches(message),
  );
  const page = found.slice(0, limit);
  return {
    events: page.map((event) => ({ ...event, ingestionTime: event.timestamp, logStreamName: 'local' })),
    searchedLogStreams: [],
    nextToken: found.length > page.length ? page.at(-1)?.eventId : undefined,
  };
}
