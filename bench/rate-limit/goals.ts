import { table } from '../page.ts';
import type { Arm } from './arm.ts';
import type { Figures } from './measure.ts';
import { nameClients } from './report.ts';
import type { Results } from './results.ts';
import type { Workload } from './workloads.ts';

export type Goal = {
  readonly arm: Arm;
  readonly over: Arm;
  readonly figure: keyof Figures;
  readonly workload: Workload;
  readonly results: Results;
  /** Neither of them: a ratio to compare the others with. */
  readonly atLeast?: number;
  readonly atMost?: number;
};

/** Ratios within this run; each goal counts as met only where it is met with any number of clients. */
export function reportGoals(goals: readonly Goal[], clients: readonly number[]): string {
  const rows = goals.map((goal) => {
    const { arm, over, figure, workload, results, atLeast = -Infinity, atMost = Infinity } = goal;
    const ratios = clients.map((count) => results.ratio(arm, over, { workload, clients: count }, figure));
    const missed = clients.filter((_, index) => !(Number(ratios[index]) >= atLeast && Number(ratios[index]) <= atMost));
    const wanted = goal.atLeast ? `≥ ${goal.atLeast}` : goal.atMost ? `≤ ${goal.atMost}` : '';
    const outcome = missed.length ? `**missed** with ${missed.map(nameClients).join(', ')}` : wanted && 'met';
    return [
      `${workload.name}: ${figure === 'p50' ? 'p50' : 'decisions/s'}, ${arm.name} ÷ ${over.name}`,
      wanted,
      ...ratios.map((ratio) => ratio.toFixed(2)),
      outcome,
    ];
  });
  return table(['goal', 'wanted', ...clients.map(nameClients), ''], rows);
}
