import { parseArgs } from 'node:util';
import { serveAbout } from './about.ts';
import { writeFacts } from './facts.ts';
import { readableLine } from './log-line.ts';
import { startSystem } from './system.ts';
import { systemRows, textTable } from './table.ts';

const USAGE = 'npm run local [-- --port 3000] [--keep]';

/** `npm run local`: the whole system until Ctrl-C. */
async function main(): Promise<void> {
  const { port, keep } = readArguments();
  const startedAt = Date.now();
  console.log('Starting …');
  const system = await startSystem({ port, keep, onLine: print });
  const removeFacts = writeFacts(system);
  const rows = systemRows(system);
  if (system.dashboard) system.door.route('/', system.dashboard);
  system.door.route('/about', serveAbout(rows));
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  console.log(`\nQueuekeeper is up after ${seconds} s. Ctrl-C stops it.\n\n${textTable(rows)}\n`);

  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping) return;
      isStopping = true;
      console.log('\nStopping …');
      removeFacts();
      system.stop().then(() => process.exit(0), fail);
    });
  }
}

function readArguments(): { port: number; keep: boolean } {
  const options = { port: { type: 'string', default: '3000' }, keep: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ options });
  const port = Number(values.port);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return { port, keep: values.keep };
  throw new Error(`--port is ${values.port}, wanted a number from 0 to 65535. Usage: ${USAGE}`);
}

function print(functionName: string, line: string): void {
  const readable = readableLine(functionName, line, new Date());
  if (readable) console.log(readable);
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

main().catch(fail);
