const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time span as a person says it, in its two largest units: "13 d 22 h", "5 min". Below zero it is "0 s". */
export function describeDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return '0 s';
  const [unit, size] = UNITS[first] ?? ['s', 1];
  const [nextUnit, nextSize] = UNITS[first + 1] ?? ['s', 1];
  const rest = Math.floor((seconds % size) / nextSize);
  const isCoarse = unit === 'min' || unit === 's' || rest === 0;
  return `${Math.floor(seconds / size)} ${unit}${isCoarse ? '' : ` ${rest} ${nextUnit}`}`;
}
