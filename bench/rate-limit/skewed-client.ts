/** A thread whose clock is wrong: Date is its own, all else is as in the other threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Admission, askInARow } from './admissions.ts';
import { connectApart, type Limit, type Servers } from './arm.ts';
import { everyArm } from './arms.ts';

export type SkewedWork = {
  readonly offsetMs: number;
  readonly armNames: readonly string[];
  readonly caller: string;
  readonly times: number;
  readonly servers: Servers;
  readonly limit: Limit;
};

const { offsetMs, armNames, caller, times, servers, limit } = workerData as SkewedWork;
const rightNow = Date.now;
Date.now = () => rightNow() + offsetMs;

const arms = everyArm.filter(({ name }) => armNames.includes(name));
const admissions = await Promise.all(
  arms.map(async (arm): Promise<[string, (Admission | undefined)[]]> => {
    const { decide, close } = connectApart(arm, servers, limit);
    const answers = await askInARow(decide, caller, times);
    await close();
    return [arm.name, answers];
  }),
);
parentPort?.postMessage(new Map(admissions));
