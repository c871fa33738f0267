import { median } from '../median.ts';
import type { Arm } from './arm.ts';
import type { Figures } from './measure.ts';
import type { Workload } from './workloads.ts';

export type Case = { readonly workload: Workload; readonly clients: number };

/** The figures of each arm in each case, one of every repeat. */
export type Results = {
  add(arm: Arm, at: Case, figures: Figures): void;
  values(arm: Arm, at: Case, figure: keyof Figures): number[];
  median(arm: Arm, at: Case, figure: keyof Figures): number;
  /** The median of the ratios of the repeats: within one repeat, the machine was about as busy for both. */
  ratio(arm: Arm, over: Arm, at: Case, figure: keyof Figures): number;
};

export function createResults(): Results {
  const repeats = new Map<string, Figures[]>();
  const keyOf = (arm: Arm, { workload, clients }: Case) => [arm.name, workload.name, clients].join('\n');
  const valuesOf: Results['values'] = (arm, at, figure) =>
    (repeats.get(keyOf(arm, at)) ?? []).map((figures) => figures[figure]);

  return {
    add(arm, at, figures) {
      repeats.set(keyOf(arm, at), [...(repeats.get(keyOf(arm, at)) ?? []), figures]);
    },
    values: valuesOf,
    median: (arm, at, figure) => median(valuesOf(arm, at, figure)),
    ratio(arm, over, at, figure) {
      const others = valuesOf(over, at, figure);
      return median(valuesOf(arm, at, figure).map((value, repeat) => value / (others[repeat] ?? Number.NaN)));
    },
  };
}
