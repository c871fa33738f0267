import { Worker } from 'node:worker_threads';
import { type Admission, askInARow, mostWithin } from './admissions.ts';
import { type Arm, connectApart, type Decide, type Servers } from './arm.ts';
import { trueNow, waitUntil } from './clock.ts';
import type { SkewedWork } from './skewed-client.ts';

const LIMIT = { requests: 100, windowMs: 60_000 };
const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const PACES_MS = [0, 10, 30, 100];
const CLOCK_ERROR_MS = 5_000;

/** What an arm did wrong in a check, in a few words; undefined when it did right. */
export type Fault = string | undefined;
export type Verdict = ReadonlyMap<string, Fault>;

/** Real windows of a minute, all arms and all checks at the same time: a little over a minute in all. */
export async function passGate(arms: readonly Arm[], servers: Servers): Promise<Map<string, Verdict>> {
  const parallel: Fault[] = [];
  for (const arm of arms) parallel.push(await inParallel(arm, servers));
  const spaced = { ...servers, poolSize: 4 };
  const [atOnce, acrossAMinute, atTheEdge, withWrongClocks] = await Promise.all([
    ofEach(arms, spaced, (decide) => inARow(decide, 'any time')),
    startOfTheLastSecond().then(() => ofEach(arms, spaced, (decide) => inARow(decide, 'minute'))),
    ofEach(arms, spaced, burstAtTheEdge),
    fromWrongClocks(arms, spaced),
  ]);
  return new Map(
    arms.map(({ name }, index) => [
      name,
      new Map([
        ['105 in a row', atOnce[index]],
        ['105 across a minute boundary', acrossAMinute[index]],
        ['200 in parallel', parallel[index]],
        ["bursts at a window's edge", atTheEdge[index]],
        ['clocks 5 s wrong', withWrongClocks[index]],
      ]),
    ]),
  );
}

async function ofEach(
  arms: readonly Arm[],
  servers: Servers,
  check: (decide: Decide) => Promise<Fault>,
): Promise<Fault[]> {
  return Promise.all(
    arms.map(async (arm) => {
      const { decide, close } = connectApart(arm, servers, LIMIT);
      const fault = await check(decide);
      await close();
      return fault;
    }),
  );
}

/** At each pace, the first 100 of 105 are admitted, and the last five are not. */
async function inARow(decide: Decide, name: string): Promise<Fault> {
  const faults = await Promise.all(
    PACES_MS.map(async (paceMs) => {
      const answers = await askInARow(decide, `in a row, ${name}, ${paceMs}`, 105, paceMs);
      const isRight = answers.every((answer, index) => (answer !== undefined) === index < LIMIT.requests);
      return isRight ? undefined : `${admittedOf(answers)} of 105 at ${paceMs} ms`;
    }),
  );
  return faults.filter(Boolean).join(', ') || undefined;
}

async function startOfTheLastSecond(): Promise<void> {
  const now = trueNow();
  const next = Math.ceil((now + SECOND_MS) / MINUTE_MS) * MINUTE_MS - SECOND_MS;
  await waitUntil(next);
}

async function inParallel(arm: Arm, servers: Servers): Promise<Fault> {
  const { decide, close } = connectApart(arm, servers, LIMIT);
  const asked = Array.from({ length: 200 }, () => askInARow(decide, 'parallel', 1));
  const admitted = admittedOf((await Promise.all(asked)).flat());
  await close();
  return admitted === LIMIT.requests ? undefined : `${admitted} of 200 admitted`;
}

/** One request opens the window, 99 come just before its end, 100 just after. */
async function burstAtTheEdge(decide: Decide): Promise<Fault> {
  const startedAt = trueNow();
  const first = await askInARow(decide, 'edge', 1);
  await waitUntil(startedAt + LIMIT.windowMs - 2 * SECOND_MS);
  const before = await askInARow(decide, 'edge', LIMIT.requests - 1);
  await waitUntil(startedAt + LIMIT.windowMs + SECOND_MS);
  return tooMany([...first, ...before, ...(await askInARow(decide, 'edge', LIMIT.requests))]);
}

/** A client whose clock is 5 s late takes the whole limit; 52 s later one comes whose clock is 5 s early. */
async function fromWrongClocks(arms: readonly Arm[], servers: Servers): Promise<Fault[]> {
  const late = await askWithClock(-CLOCK_ERROR_MS, arms, servers);
  await waitUntil(trueNow() + 52 * SECOND_MS);
  const early = await askWithClock(CLOCK_ERROR_MS, arms, servers);
  return arms.map(({ name }) => tooMany([...(late.get(name) ?? []), ...(early.get(name) ?? [])]));
}

async function askWithClock(offsetMs: number, arms: readonly Arm[], servers: Servers) {
  const armNames = arms.map(({ name }) => name);
  const workerData: SkewedWork = { offsetMs, armNames, caller: 'clocks', times: 105, servers, limit: LIMIT };
  const worker = new Worker(new URL('./skewed-client.ts', import.meta.url), { workerData });
  return new Promise<Map<string, (Admission | undefined)[]>>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
}

function tooMany(answers: readonly (Admission | undefined)[]): Fault {
  const most = mostWithin(LIMIT.windowMs, answers);
  return most > LIMIT.requests ? `${most} admitted within 60 s` : undefined;
}

function admittedOf(answers: readonly (Admission | undefined)[]): number {
  return answers.filter((answer) => answer !== undefined).length;
}
