import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { addStale } from '../../cli/commands/stale.ts';
import type { Context } from '../../cli/context.ts';
import { UsageError } from '../../cli/exit-code.ts';
import { planRecovery } from '../../cli/stale/recover.ts';
import { readSettings } from '../../lib/settings.ts';

const settings = readSettings({
  AWS_DEFAULT_REGION: 'us-east-1',
  SUPABASE_URL: 'https://project.supabase.co',
  RECOVERY_BATCH_SIZE: '2',
});

/** A database in which these jobs are stale, and recovered in batches of 2. */
function withStale(ids: string[], breaker_open = false) {
  const call = async (
    _name: string,
    { batch_limit, except_ids = [] }: { batch_limit: number; except_ids?: string[] },
  ) =>
    ids
      .filter((id) => !except_ids.includes(id))
      .slice(0, batch_limit)
      .map((job_id) => ({ job_id, action: 'requeue', breaker_open }));
  return { settings, database: () => ({ call }) } as unknown as Context;
}

describe('the plan of a recovery', () => {
  test.each([[[]], [['a']], [['a', 'b']], [['a', 'b', 'c', 'd', 'e']]])(
    'names every job that a yes would recover: %j',
    async (ids) => {
      expect((await planRecovery(withStale(ids))).map(({ job_id }) => job_id)).toEqual(ids);
    },
  );

  test('is one slice in an outage, as the recovery is', async () => {
    expect(await planRecovery(withStale(['a', 'b', 'c'], true))).toHaveLength(2);
  });
});

test.each(['', 'all', '7'])('a job named "%s" is a wrong call, and no call for all of them', async (job) => {
  const program = new Command().exitOverride();
  addStale(program, () => {
    throw new Error('it went on');
  });
  const calling = program.parseAsync(['stale', 'recover', '--yes', '--job', job], { from: 'user' });
  await expect(calling).rejects.toBeInstanceOf(UsageError);
});
