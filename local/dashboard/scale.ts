/** The end of an axis from 0 on, and the steps between its marks: round numbers, up to five marks. */
export function niceScale(largest: number): { readonly end: number; readonly step: number } {
  const wanted = largest > 0 ? largest : 1;
  const magnitude = 10 ** Math.floor(Math.log10(wanted / 4));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * magnitude * 4 >= wanted) ?? 10;
  const step = factor * magnitude;
  return { end: Math.ceil(wanted / step - 1e-9) * step, step };
}

/** 1,234 as 1.2k, and never more digits than tell something. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return size >= 100 || Number.isInteger(value) ? String(Math.round(value)) : trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}
