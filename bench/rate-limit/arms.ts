import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { createRateLimiter, type Decision } from '../../lambdas/shared/api/rate-limit.ts';
import { type Arm, ask, callFunction, overPg, overPostgrest, ROUTE } from './arm.ts';
import { candidates } from './candidates.ts';

const runFile = (name: string): Arm['setUp'] => {
  return async (client) => client.query(await readFile(join(import.meta.dirname, 'peers', name), 'utf8'));
};

const OURS = { tables: ['public.rate_limit_requests'] };

/** Decides nothing: what the way to the database and back costs. Not held to the correctness gate. */
export const floor: Arm = {
  name: 'floor',
  tables: [],
  setUp: runFile('floor.sql'),
  connect: callFunction('public.decide_nothing'),
};

export const ours: Arm = { name: 'ours', ...OURS, connect: callFunction('public.check_rate_limit') };

export const shipped = rateLimiterFlexible('rate-limiter-flexible, as shipped', 'rlflx_shipped');
/** Its table as it would be made for speed: unlogged, with room for updates in place, and an index for its cleaning. */
export const tuned = rateLimiterFlexible('rate-limiter-flexible, tuned', 'rlflx_tuned');

const countThenInsert: Arm = {
  name: 'count, then insert',
  tables: ['count_then_insert.requests'],
  setUp: runFile('count-then-insert.sql'),
  connect: callFunction('count_then_insert.decide'),
};

export const OVER_PG = [floor, ours, shipped, tuned, countThenInsert];

export const floorOverRest: Arm = {
  name: 'floor, through PostgREST',
  tables: [],
  connect: callOverRest('decide_nothing'),
};
export const oursOverRest: Arm = {
  name: 'ours, through PostgREST',
  ...OURS,
  connect: callOverRest('check_rate_limit'),
};
export const OVER_POSTGREST = [floorOverRest, oursOverRest];

/** With what each remembers of refused callers in the process. */
const oursRemembering: Arm = {
  name: 'ours, remembering',
  ...OURS,
  connect: overPg((pool, limit) => {
    const { requests: maxRequests, windowMs } = limit;
    const limiter = createRateLimiter({ maxRequests, windowMs, route: ROUTE, mode: 'enforce', now: Date.now });
    return async (caller) => {
      const outcome =
        limiter.recall(caller) ??
        (await limiter.check(caller, () => ask<Decision>(pool, 'public.check_rate_limit', caller, limit)));
      if (outcome.outcome === 'unavailable') throw outcome.error;
      return outcome.outcome === 'allowed';
    };
  }),
};
const shippedRemembering = rateLimiterFlexible('rate-limiter-flexible, remembering', 'rlflx_shipped', true);
export const REMEMBERING = [oursRemembering, shippedRemembering];

export const everyArm = [...OVER_PG, ...OVER_POSTGREST, ...REMEMBERING, ...candidates];

function rateLimiterFlexible(name: string, tableName: string, isRemembering = false): Arm {
  return {
    name,
    tables: [`public.${tableName}`],
    setUp: isRemembering ? undefined : runFile(`${tableName.replace('_', '-')}.sql`),
    connect: overPg((storeClient, { requests, windowMs }) => {
      const limiter = new RateLimiterPostgres({
        storeClient,
        tableName,
        tableCreated: true,
        clearExpiredByTimeout: false, // its cleaning would not fall into a measurement anyway
        points: requests,
        duration: windowMs / 1_000,
        inMemoryBlockOnConsumed: isRemembering ? requests : undefined,
      });
      return async (caller) => {
        try {
          await limiter.consume(`${caller} ${ROUTE}`);
          return true;
        } catch (refusal) {
          if (refusal instanceof RateLimiterRes) return false;
          throw refusal;
        }
      };
    }),
  };
}

function callOverRest(name: string): Arm['connect'] {
  return overPostgrest((database, { requests, windowMs }) => async (caller) => {
    const args = { caller, route: ROUTE, max_requests: requests, window_ms: windowMs };
    return (await database.call<Decision>(name, args)).allowed;
  });
}
