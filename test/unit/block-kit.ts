import { expect } from '@jest/globals';
import { blockKitFaults } from '../../local/block-kit.ts';

/** Fails with every rule of Block Kit that a message breaks. The local Slack applies the same rules. */
export function expectSlackTakes(message: unknown): void {
  expect(blockKitFaults(JSON.parse(JSON.stringify(message)))).toEqual([]);
}
