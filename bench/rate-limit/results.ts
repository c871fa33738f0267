import { median } from '../median.ts';
import type { Arm } from './arm.ts';
import type { Figures } from './measure.ts';
import type { Workload } from './workloads.ts';

export type Case = { readonly workload: Workload; readonly clients: number };

/** The figures of each arm in each case, one of every repeat. */
export class Results {
  readonly #figures = new Map<string, Figures[]>();

  add(arm: Arm, at: Case, figures: Figures): void {
    const key = keyOf(arm, at);
    this.#figures.set(key, [...(this.#figures.get(key) ?? []), figures]);
  }

  values(arm: Arm, at: Case, figure: keyof Figures): number[] {
    return (this.#figures.get(keyOf(arm, at)) ?? []).map((figures) => figures[figure]);
  }

  median(arm: Arm, at: Case, figure: keyof Figures): number {
    return median(this.values(arm, at, figure));
  }

  /** The median of the ratios of the repeats: within one repeat, the machine was as busy for both. */
  ratio(arm: Arm, other: Arm, at: Case, figure: keyof Figures): number {
    const others = this.values(other, at, figure);
    return median(this.values(arm, at, figure).map((value, repeat) => value / (others[repeat] ?? Number.NaN)));
  }
}

function keyOf({ name }: Arm, { workload, clients }: Case): string {
  return [name, workload.name, clients].join('\n');
}
