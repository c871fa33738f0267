import { expect, it } from '@jest/globals';
import { packageDirectory } from '../../local/package-directory.ts';

it('finds an installed package', () => {
  expect(packageDirectory('pg')).toMatch(/node_modules\/pg$/);
});

it('says what to do when a package is not installed', () => {
  expect(() => packageDirectory('no-such-package')).toThrow('no-such-package is not installed. Run `npm ci`.');
  expect(() => packageDirectory('no-such-package', 'Use a Linux container.')).toThrow('Use a Linux container.');
});
