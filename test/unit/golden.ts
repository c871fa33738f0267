import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';

/**
 * Compares with `test/unit/golden/<name>.json`, which a person has read. To accept a change of wording, delete
 * the file, run the test once, and read what it wrote. On CI a missing file is a failure.
 */
export function expectGolden(name: string, value: unknown): void {
  const path = new URL(`golden/${name}.json`, import.meta.url);
  const text = `${JSON.stringify(value, null, 2)}\n`;
  if (!existsSync(path) && !process.env['CI']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
}
