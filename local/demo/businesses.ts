import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Business = {
  readonly name: string;
  readonly website: string;
  readonly category: string;
  readonly city: string;
  readonly packageSize: number;
  readonly priority: number;
};

/** The demo's customers, from businesses.csv. */
export function readBusinesses(): Business[] {
  const [, ...rows] = readFileSync(join(import.meta.dirname, 'businesses.csv'), 'utf8')
    .trim()
    .split('\n');
  return rows.map((row) => {
    const [name = '', website = '', category = '', city = '', packageSize, priority] = cells(row);
    return { name, website, category, city, packageSize: Number(packageSize), priority: Number(priority) };
  });
}

/** A cell in quotes may hold commas; none of ours holds a quote. */
function cells(row: string): string[] {
  return [...row.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
