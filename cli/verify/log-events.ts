import {
  type CloudWatchLogsClient,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';

export interface LogQuery {
  readonly client: CloudWatchLogsClient;
  readonly functionName: string;
  readonly since: Date;
  /** CloudWatch's pattern; what comes is looked at again, for it is rough. */
  readonly pattern: string;
}

/** The lines that a function wrote since then and that match; undefined where it has no log. */
export async function readLog({ client, functionName, since, pattern }: LogQuery): Promise<string[] | undefined> {
  const query = {
    logGroupName: `/aws/lambda/${functionName}`,
    startTime: since.getTime(),
    filterPattern: pattern,
  };
  try {
    const lines: string[] = [];
    for await (const { events = [] } of paginateFilterLogEvents({ client }, query)) {
      lines.push(...events.map(({ message = '' }) => message));
    }
    return lines;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
