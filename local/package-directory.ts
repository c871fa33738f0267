import { findPackageJSON } from 'node:module';
import { dirname } from 'node:path';

/**
 * Where a package of ours is installed, for the files in it that its `exports` do not offer.
 * @param advice what to do when it is not there; becomes the error
 */
export function packageDirectory(name: string, advice = `${name} is not installed. Run \`npm ci\`.`): string {
  try {
    return dirname(findPackageJSON(name, import.meta.url) ?? '');
  } catch (cause) {
    throw new Error(advice, { cause });
  }
}
