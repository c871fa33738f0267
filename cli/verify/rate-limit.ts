import { askHealth, type HealthAnswer } from '../health-answer.ts';
import { pause } from '../pause.ts';
import { type Check, type CheckRun, Fault, NotChecked } from './check.ts';

/** Requests above the limit, all of which must be refused. */
const EXTRA = 5;
/** One after the other where that is quick enough: many at once would each start a function anew. */
const MOST_AT_A_TIME = 10;
/** More would be a load test of somebody's database. */
const LARGEST_LIMIT = 2_000;
/** Another program at the same address can spoil the count; a second time is no accident. */
const ROUNDS = 2;

interface Policy {
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
}

export const rateLimit: Check = {
  name: 'Rate limit',
  needs: ['Settings'],
  follows: ['AWS', 'Database', 'Secrets'],
  async run(run) {
    const { context, firstHealth } = run;
    if (context.settings.RATE_LIMIT_MODE === 'shadow') {
      throw new NotChecked('RATE_LIMIT_MODE is shadow: requests are counted, and nobody is refused');
    }
    const first = await firstHealth().catch((cause) => {
      throw new NotChecked('nothing answers: see "Health"', { cause });
    });
    const policy = policyOf(first);
    if (policy.limit > LARGEST_LIMIT) throw new NotChecked(`the limit is ${policy.limit}: too many requests to try`);
    const total = policy.limit + EXTRA;
    for (let round = 1; ; round++) {
      // The first request counts where nothing was before it.
      const isFirst = round === 1 && policy.remaining === policy.limit - 1;
      const start = isFirst ? { sent: 1, at: first.askedAt } : await emptyWindow(run, policy);
      const atATime = Math.max(1, Math.ceil((total * first.latencyMs) / (policy.windowSeconds * 1_000)));
      const { admitted, limited } = await sendAll(run, policy, { ...start, atATime });
      const isWithin = Date.now() - start.at < policy.windowSeconds * 1_000;
      const seen = `of ${total} requests, ${admitted} were answered and ${limited} got 429`;
      if (isWithin && admitted === policy.limit) return seen;
      if (isWithin && (admitted > policy.limit || round === ROUNDS)) throw countFault(seen, policy, admitted);
      if (round === ROUNDS) {
        throw new NotChecked(`from here, ${total} requests take longer than the window of ${policy.windowSeconds} s`);
      }
    }
  },
};

function countFault(seen: string, { limit, windowSeconds }: Policy, admitted: number): Fault {
  const wanted = `${seen}, wanted exactly ${limit} in ${windowSeconds} s`;
  if (admitted > limit) {
    return new Fault(
      wanted,
      'Is a cache or a proxy between here and the API, or does it count callers by a header that varies? See docs/runbook.md.',
    );
  }
  return new Fault(
    wanted,
    'Something else at this address calls the API, too (a monitor, a colleague): run this from elsewhere.',
  );
}

/** RateLimit-Policy: "per-caller";q=100;w=60 and RateLimit: "per-caller";r=57;t=42 */
function policyOf({ headers, http, status }: HealthAnswer): Policy {
  const number = (header: string, name: string) => {
    const found = new RegExp(`;\\s*${name}=(\\d+)`).exec(headers.get(header) ?? '')?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const limit = number('ratelimit-policy', 'q');
  const windowSeconds = number('ratelimit-policy', 'w');
  const remaining = number('ratelimit', 'r');
  if (limit !== undefined && windowSeconds !== undefined && remaining !== undefined) {
    return { limit, windowSeconds, remaining };
  }
  if (!status && http !== 503) throw new NotChecked('another service answers: see "Health"');
  throw new Fault(
    `HTTP ${http} without RateLimit headers: the limiter did not answer`,
    'See "rate-limit-unavailable" in docs/runbook.md.',
  );
}

async function emptyWindow({ tell, signal }: CheckRun, { windowSeconds }: Policy) {
  for (let left = windowSeconds + 1; left > 0; left--) {
    tell(`Rate limit: waiting until this address has a clean slate, ${left} s more`);
    await pause(1_000, signal);
    signal.throwIfAborted();
  }
  return { sent: 0, at: Date.now() };
}

interface Sending {
  /** Requests that are in the window already, and were answered. */
  readonly sent: number;
  readonly atATime: number;
}

async function sendAll({ context, tell, signal }: CheckRun, { limit }: Policy, { sent, atATime }: Sending) {
  const url = await context.apiUrl();
  const counts = { admitted: sent, limited: 0 };
  let left = limit + EXTRA - sent;
  const sendSome = async () => {
    while (left > 0) {
      left--;
      const { http, status } = await askHealth(url, signal);
      // Unhealthy is an answer, too; a crash, a timeout or a limiter that is away is none.
      if (http !== 429 && !status) {
        throw new Fault(
          `HTTP ${http} in the middle of ${limit + EXTRA} requests`,
          'See "api-server-errors" in docs/runbook.md.',
        );
      }
      counts[http === 429 ? 'limited' : 'admitted']++;
      tell(`Rate limit: ${counts.admitted + counts.limited} of ${limit + EXTRA} requests`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, MOST_AT_A_TIME) }, sendSome));
  return counts;
}
