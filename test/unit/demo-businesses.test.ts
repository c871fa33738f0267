import { expect, it } from '@jest/globals';
import { readBusinesses } from '../../local/demo/businesses.ts';

it('reads every sample business, also those with a comma in the name', () => {
  const businesses = readBusinesses();
  expect(businesses).toHaveLength(31);
  expect(businesses.map(({ name }) => name)).toContain('Okafor, Lindqvist & Partners');
  for (const { packageSize, priority } of businesses) {
    expect([50, 100, 200, 500]).toContain(packageSize);
    expect([1, 2, 3, 4]).toContain(priority);
  }
});

it('has one business whose website is no URL, for the worker to fail on', () => {
  const websites = readBusinesses().map(({ website }) => website);
  expect(websites.filter((website) => !URL.canParse(website))).toEqual(['www.juniperlaneframing.example']);
});
