/** Keys that Powertools adds to every line: true of the function, not of what happened. */
const EVERYWHERE = /^(level|message|timestamp|service|sampling_rate|xray_trace_id|cold_start|function_.*)$/;

/** A function's log line as a person reads it, or undefined for lines that are metrics. */
export function readableLine(functionName: string, line: string, now: Date): string | undefined {
  const fields = parse(line);
  if (fields && '_aws' in fields) return undefined;
  const time = now.toTimeString().slice(0, 8);
  if (!fields) return `${time}  ${functionName}  ${line}`;
  const level = fields['level'] === 'INFO' ? '' : `${fields['level']} `;
  const details = Object.entries(fields)
    .filter(([key]) => !EVERYWHERE.test(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  return [time, functionName, `${level}${fields['message']}`, ...details].join('  ');
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
