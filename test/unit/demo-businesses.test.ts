import { expect, it } from '@jest/globals';
import { readBusinesses } from '../../local/demo/businesses.ts';

it('reads every sample business, also those with a comma in the name', () => {
  const businesses = readBusinesses();
  expect(businesses).toHaveLength(30);
  expect(businesses.map(({ name }) => name)).toContain('Okafor, Lindqvist & Partners');
  for (const { packageSize, priority } of businesses) {
    expect([50, 100, 200, 500]).toContain(packageSize);
    expect([1, 2, 3, 4]).toContain(priority);
  }
});
