/** Keys that Powertools adds to every line: true of the function, not of what happened. */
const EVERYWHERE = /^(level|message|timestamp|service|stage|sampling_rate|xray_trace_id|cold_start|function_.*)$/;

/** A function's log line as a person reads it, or undefined for lines that are metrics. */
export function readableLine(functionName: string, line: string, now: Date): string | undefined {
  const fields = parse(line);
  if (fields && '_aws' in fields) return undefined;
  const time = now.toTimeString().slice(0, 8);
  if (!fields) return `${time}  ${functionName}  ${line}`;
  const level = fields['level'] === 'INFO' ? '' : `${fields['level']} `;
  const details = Object.entries(fields)
    .filter(([key, value]) => !EVERYWHERE.test(key) && !isNothing(value))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? withoutNothing(value) : value}`);
  return [time, functionName, `${level}${fields['message']}`, ...details].join('  ');
}

/** A count of nothing, an empty list: a person reads what happened. */
function isNothing(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.values(value).every(isNothing));
}

function withoutNothing(value: object | null): string {
  if (value === null || Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.fromEntries(Object.entries(value).filter(([, inner]) => !isNothing(inner))));
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
