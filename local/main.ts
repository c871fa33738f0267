import { serveAbout } from './about.ts';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import { writeFacts } from './facts.ts';
import { readableLine } from './log-line.ts';
import { startSystem } from './system.ts';
import { systemRows, textTable, workerExports } from './table.ts';

/** `npm run local`: the whole system until Ctrl-C. */
async function main(): Promise<void> {
  const { port, keep, help } = readArguments(process.argv.slice(2));
  if (help) return console.log(USAGE);
  const startedAt = Date.now();
  console.log('Starting …');
  const system = await startSystem({ port, keep, onLine: print });
  const facts = await writeFacts(system);
  const rows = systemRows(system);
  if (system.dashboard) system.door.route('/', system.dashboard);
  system.door.route('/about', serveAbout(rows));
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  console.log(`\nQueuekeeper is up after ${seconds} s. Ctrl-C, or kill ${process.pid}, stops it.`);
  if (facts.refusal) console.log(facts.refusal);
  console.log(`\n${textTable(rows)}\n\nFor a worker, in its own terminal:\n\n${workerExports(system)}\n`);

  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      console.log('\nStopping …');
      facts.remove();
      system.stop().then(() => process.exit(0), fail);
    });
  }
}

function print(functionName: string, line: string): void {
  const readable = readableLine(functionName, line, new Date());
  if (readable) console.log(readable);
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(error instanceof UsageError ? 2 : 1);
}

main().catch(fail);
