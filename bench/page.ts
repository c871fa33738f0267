import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

/** Replaces what stands between the markers of a section, or adds the section at the end. */
export async function writeSection(name: string, markdown: string): Promise<void> {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const page = await readFile(PAGE, 'utf8');
  const section = `${start}\n${markdown.trim()}\n${end}`;
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  const isThere = from >= 0 && to > from;
  await writeFile(
    PAGE,
    isThere ? page.slice(0, from) + section + page.slice(to + end.length) : `${page.trim()}\n\n${section}\n`,
  );
  console.log(`\nWritten to docs/benchmarks.md, section ${name}.`);
}

/** What a reader must know of the run: `npm run bench -- rate-limit`, when, on what. */
export function describeRun(command: string, versions: readonly string[] = []): string {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, load average ${loadavg()[0]?.toFixed(1)} at the end`;
  return `\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${machine}. ${[`Node.js ${process.version}`, ...versions].join(', ')}.`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
