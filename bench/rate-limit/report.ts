import { quantile } from '../median.ts';
import { table } from '../page.ts';
import type { Arm } from './arm.ts';
import type { Verdict } from './gate.ts';
import type { Case, Results } from './results.ts';
import type { Workload } from './workloads.ts';

export type Measured = {
  readonly arms: readonly Arm[];
  readonly workloads: readonly Workload[];
  readonly clients: readonly number[];
  readonly results: Results;
  readonly verdicts: ReadonlyMap<string, Verdict>;
};

export const HOW_TO_READ =
  'Decisions a second (± half the distance between the quartiles of the repeats), then p50 / p99 in ms. The costs are those ' +
  'with the most clients: WAL bytes and rows written for one decision, the requests that fill a caller at first included; ' +
  'the size of the tables with their indexes after one measurement, and the dead rows in them. In brackets, after a ✗: the ' +
  'arm failed the gate, its speed is not valid.';

export function reportGate(verdicts: ReadonlyMap<string, Verdict>): string {
  const [first] = verdicts.values();
  const checks = [...(first?.keys() ?? [])];
  const rows = [...verdicts].map(([name, verdict]) => [
    name,
    ...checks.map((check) => (verdict.get(check) ? `✗ ${verdict.get(check)}` : '✓')),
  ]);
  return table(['at most 100 in any 60 s', ...checks], rows);
}

/** A table for each workload. */
export function reportSpeed({ arms, workloads, clients, results, verdicts }: Measured, withCosts = true): string {
  const head = [...clients.map(nameClients), ...(withCosts ? ['WAL B', 'rows', 'size kB', 'dead rows'] : [])];
  const sections = workloads.map((workload) => {
    const at = { workload, clients: clients.at(-1) ?? 1 };
    const rows = arms.map((arm) => {
      const isValid = ![...(verdicts.get(arm.name)?.values() ?? [])].some(Boolean);
      const speeds = clients.map((count) => {
        const speed = speedOf(results, arm, { workload, clients: count });
        return isValid ? speed : `(${speed})`;
      });
      return [isValid ? arm.name : `✗ ${arm.name}`, ...speeds, ...(withCosts ? costsOf(results, arm, at) : [])];
    });
    return table([workload.name, ...head], rows);
  });
  return sections.join('\n\n');
}

export function nameClients(count: number): string {
  return count === 1 ? '1 client' : `${count} clients`;
}

function speedOf(results: Results, arm: Arm, at: Case): string {
  const speeds = results.values(arm, at, 'perSecond');
  const spread = (quantile(speeds, 0.75) - quantile(speeds, 0.25)) / 2 / quantile(speeds, 0.5);
  const [p50, p99] = [results.median(arm, at, 'p50'), results.median(arm, at, 'p99')];
  return `${whole(quantile(speeds, 0.5))} ± ${Math.round(spread * 100)} %, ${p50.toFixed(2)} / ${p99.toFixed(2)}`;
}

function costsOf(results: Results, arm: Arm, at: Case): string[] {
  const of = (figure: Parameters<Results['median']>[2]) => results.median(arm, at, figure);
  return [whole(of('walBytes')), of('rows').toFixed(2), whole(of('kilobytes')), whole(of('deadRows'))];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
