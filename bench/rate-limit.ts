/**
 * `npm run bench -- rate-limit [--quick | --candidates]`: check_rate_limit() beside a function that does nothing, the real
 * rate-limiter-flexible, and a count followed by an insert, on one Postgres with its default settings.
 *
 * Each arm is first held to the limit (bench/rate-limit/gate.ts); then come the speeds. The result is written to
 * docs/benchmarks.md. --quick shows in two minutes that all of it works, and writes nothing. --candidates compares the
 * shapes that were considered for check_rate_limit() instead.
 */
import { parseArgs } from 'node:util';
import { describeRun, writeSection } from './page.ts';
import * as arms from './rate-limit/arms.ts';
import { candidates } from './rate-limit/candidates.ts';
import { passGate, type Verdict } from './rate-limit/gate.ts';
import { type Goal, reportGoals } from './rate-limit/goals.ts';
import { HOW_TO_READ, reportGate, reportSpeed } from './rate-limit/report.ts';
import { type Effort, run } from './rate-limit/run.ts';
import { type Started, startServers } from './rate-limit/servers.ts';
import { OVER_LIMIT, WORKLOADS } from './rate-limit/workloads.ts';

const FULL: Effort = { repeats: 6, clients: [1, 8, 32], warmMs: 250, measureMs: 1_000 };
const QUICK: Effort = { repeats: 2, clients: [1, 8], warmMs: 50, measureMs: 150 };
const CANDIDATES: Effort = { repeats: 4, clients: [8], warmMs: 150, measureMs: 400 };

const { values } = parseArgs({ options: { quick: { type: 'boolean' }, candidates: { type: 'boolean' } } });
const command = ['npm run bench -- rate-limit', values.quick && '--quick', values.candidates && '--candidates'];
const title = command.filter(Boolean).join(' ');

await using cleanup = new AsyncDisposableStack();
const markdown = values.candidates
  ? await compareCandidates(values.quick ? QUICK : CANDIDATES)
  : await compareWithOthers(values.quick ? QUICK : FULL);
console.log(`\n${markdown}`);
if (!values.quick) await writeSection(values.candidates ? 'rate-limit-candidates' : 'rate-limit', markdown);

async function compareWithOthers(effort: Effort): Promise<string> {
  const started = await startServers(arms.everyArm, cleanup);
  const { clients } = effort;
  const verdicts = await gate([...arms.OVER_PG.slice(1), arms.oursOverRest, ...arms.REMEMBERING], started);
  const pass = { effort, ...started };
  const overPg = await run({ ...pass, arms: arms.OVER_PG, workloads: WORKLOADS });
  const overRest = await run({ ...pass, arms: arms.OVER_POSTGREST, workloads: WORKLOADS });
  const remembering = await run({ ...pass, arms: arms.REMEMBERING, workloads: [OVER_LIMIT] });

  const { ours, shipped, tuned } = arms;
  const beside = (over: typeof shipped): Goal[] =>
    WORKLOADS.map((workload) => {
      const atLeast = workload === OVER_LIMIT ? 2 : 1;
      return { workload, arm: ours, over, figure: 'perSecond', atLeast, results: overPg };
    });
  const latency = WORKLOADS.map((workload): Goal => {
    const [arm, over] = [arms.oursOverRest, arms.floorOverRest];
    return { workload, arm, over, figure: 'p50', atMost: 1.3, results: overRest };
  });
  const most = [shipped, tuned].map((over): Goal => {
    return { workload: OVER_LIMIT, arm: arms.floor, over, figure: 'perSecond', results: overPg };
  });
  const common = { clients, verdicts };
  return [
    '## The rate limiter',
    describeRun(title, started.versions),
    `${effort.repeats} repeats in the order A B B A, ${effort.measureMs} ms each after ${effort.warmMs} ms of warming, from ` +
      'empty tables. A ratio is the median of the ratios of the repeats.',
    '### Goals',
    reportGoals([...beside(shipped), ...beside(tuned), ...most, ...latency], clients),
    'As shipped, rate-limiter-flexible keeps its counts in a logged table, and every decision waits for the disk. Tuned, its ' +
      'table is unlogged, as ours is. The floor divided by either is the most that any limiter in the database could reach.',
    '### Is the limit kept?',
    reportGate(verdicts),
    '### Through `pg`, a pool of 32 connections, memories off',
    HOW_TO_READ,
    reportSpeed({ ...common, arms: arms.OVER_PG, workloads: WORKLOADS, results: overPg }),
    '### Through PostgREST, a pool of 10 connections, by the client of the functions',
    reportSpeed({ ...common, arms: arms.OVER_POSTGREST, workloads: WORKLOADS, results: overRest }, false),
    '### Through `pg`, with what each remembers of refused callers',
    reportSpeed({ ...common, arms: arms.REMEMBERING, workloads: [OVER_LIMIT], results: remembering }, false),
  ].join('\n\n');
}

async function compareCandidates(effort: Effort): Promise<string> {
  const compared = [arms.floor, arms.ours, arms.shipped, ...candidates];
  const started = await startServers(compared, cleanup);
  const verdicts = await gate(compared.slice(1), started);
  const results = await run({ effort, ...started, arms: compared, workloads: WORKLOADS });
  return [
    '## Shapes of an exact limit',
    describeRun(title, started.versions),
    `${effort.repeats} repeats in the order A B B A, ${effort.measureMs} ms each. ${HOW_TO_READ}`,
    reportGate(verdicts),
    reportSpeed({ arms: compared, workloads: WORKLOADS, clients: effort.clients, results, verdicts }),
  ].join('\n\n');
}

async function gate(held: typeof candidates, { servers }: Started): Promise<Map<string, Verdict>> {
  console.log('Holding each arm to the limit: real windows of a minute, a good minute in all.');
  const verdicts = await passGate(held, servers);
  console.log(reportGate(verdicts));
  return verdicts;
}
