import type pg from 'pg';
import type { Arm, Servers } from './arm.ts';
import { measure } from './measure.ts';
import { createResults, type Results } from './results.ts';
import type { Workload } from './workloads.ts';

export type Effort = {
  readonly repeats: number;
  readonly clients: readonly number[];
  readonly warmMs: number;
  readonly measureMs: number;
};

export type Pass = {
  readonly arms: readonly Arm[];
  readonly workloads: readonly Workload[];
  readonly effort: Effort;
  readonly servers: Servers;
  readonly admin: pg.Client;
};

/** Every arm in every case, in the order A B B A: what drifts, drifts for all. */
export async function run({ arms, workloads, effort, servers, admin }: Pass): Promise<Results> {
  const results = createResults();
  const { repeats, warmMs, measureMs } = effort;
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const order = repeat % 2 ? arms.toReversed() : arms;
    for (const workload of workloads) {
      for (const clients of effort.clients) {
        for (const arm of order) {
          const figures = await measure({ arm, workload, clients, warmMs, measureMs, servers, admin });
          results.add(arm, { workload, clients }, figures);
        }
      }
    }
    console.log(`repeat ${repeat + 1} of ${repeats} done, ${arms.length} arms`);
  }
  return results;
}
