/** `npm run bench -- <name> [options]`: each benchmark is a file of this folder, and reads its own options. */
import { join } from 'node:path';

const BENCHMARKS: Record<string, string> = {
  'rate-limit': 'the rate limiter beside others: correct first, then how fast, and what it writes',
  'cold-start': "size and import time of each function's bundle",
  'find-stale-jobs': 'what a look for stale jobs costs on a big table',
  'system-health': 'what the health check costs on a big table',
  'monthly-cost': 'what the synthesized stack costs a month (after npm run synth)',
  recoveries: 'how many stale jobs a second the monitor recovers',
};

const [name = ''] = process.argv.splice(2, 1);
if (!(name in BENCHMARKS)) {
  const list = Object.entries(BENCHMARKS).map(([known, what]) => `  ${known.padEnd(17)}${what}`);
  console.error(`Usage: npm run bench -- <name> [options]; the name is "${name}", wanted one of\n${list.join('\n')}`);
  process.exit(1);
}
await import(join(import.meta.dirname, `${name}.ts`));
