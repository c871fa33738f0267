import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { counted } from '../counted.ts';
import { type Database, DatabaseError } from '../database.ts';
import { callerOf, hashCaller, type TrustedProxy } from './caller.ts';
import type { createLocalLimit } from './local-limit.ts';
import { knownProblem, type Problem, problem, Refusal } from './problem.ts';
import type { Decision, RateLimiter, RateLimiterOptions, RateLimitOutcome } from './rate-limit.ts';
import { type Limit, POLICY, rateLimitHeaders, wholeSeconds } from './rate-limit-headers.ts';

/** Whoever finds the store away should come back soon, and not all at once. */
const RETRY_AFTER_OUTAGE_SECONDS = 5;

/** What a route answers with: its status and its JSON. */
export interface Answer {
  readonly status: number;
  readonly body: object;
  /** A fault of ours that the route has an answer for; for the log, the client sees nothing of it. */
  readonly fault?: Error;
}

export interface ApiRequest {
  readonly event: APIGatewayProxyEvent;
  /** Ends in time, the reading of its key included. */
  readonly database: Database;
}

export interface Route {
  /** @throws Refusal what the client did wrong; any other error is a fault of ours, and a bare 500 */
  answer(request: ApiRequest): Promise<Answer>;
  /** What to do while the limiter does not answer: answer anyway, counting in this process; or refuse with 503. */
  readonly whenLimiterFails: 'answer' | 'refuse';
}

/** The database with the key that it was reached by. */
export interface Connection {
  readonly database: Database;
  readonly key: string;
}

export interface ServeOptions {
  readonly route: Route;
  readonly limit: Limit;
  readonly limiter: RateLimiter;
  /** shadow: nobody is refused because of the limit, also while it cannot be asked. */
  readonly mode: RateLimiterOptions['mode'];
  readonly localLimit: ReturnType<typeof createLocalLimit>;
  readonly connect: () => Promise<Connection>;
  readonly proxy: TrustedProxy | undefined;
  readonly event: APIGatewayProxyEvent;
  readonly requestId: string;
  readonly corsOrigins: readonly string[];
  readonly now: () => number;
}

/** The response, and what the metrics and the log should know of it. */
export interface Served {
  readonly response: APIGatewayProxyResult;
  readonly outcome: RateLimitOutcome;
  /** A fault of ours, for the log; the client sees nothing of it. */
  readonly fault?: Error;
}

/** One request: the limit and the data are asked for at the same time, and a refused caller gets no data. */
export async function serve(options: ServeOptions): Promise<Served> {
  const { route, limiter, mode, event, proxy } = options;
  const caller = callerOf(event, proxy);
  const known = limiter.recall(caller);
  if (known?.outcome === 'limited') return refuse(options, known);

  const connection = options.connect();
  connection.catch(() => {}); // whoever asks hears of it; perhaps nobody does
  const answering = settle(route.answer({ event, database: lazily(connection) }));
  const asked = known ?? (await ask(limiter, caller, connection));
  const outcome = asked.outcome === 'unavailable' ? without(asked, caller, options) : asked;
  if (outcome.outcome === 'limited') return refuse(options, outcome);
  const refuses = mode === 'enforce' && route.whenLimiterFails === 'refuse';
  if (outcome.outcome === 'unavailable' && refuses) return outage(options, outcome);
  // Counted in this process alone, nothing is known that a client could rely on: the headers say so.
  return finish(options, asked, await answering);
}

function ask(limiter: RateLimiter, caller: string, connection: Promise<Connection>): Promise<RateLimitOutcome> {
  return limiter.check(caller, async (args) => {
    const { database, key } = await connection;
    return database.call<Decision>('check_rate_limit', { caller: hashCaller(caller, key), ...args });
  });
}

/** The route's policy while the limiter does not answer. */
function without(outcome: RateLimitOutcome, caller: string, options: ServeOptions): RateLimitOutcome {
  const { route, localLimit, mode } = options;
  const counted = mode === 'enforce' && route.whenLimiterFails === 'answer' ? localLimit(caller) : outcome;
  return counted.outcome === 'limited' ? counted : outcome;
}

function refuse(options: ServeOptions, outcome: RateLimitOutcome & { outcome: 'limited' }): Served {
  const { maxRequests, windowMs } = options.limit;
  const detail =
    `${counted(maxRequests, 'request')} per ${wholeSeconds(windowMs)} seconds. ` +
    `Retry in ${wholeSeconds(outcome.retryAfterMs)} s.`;
  const body = {
    ...knownProblem('quota-exceeded', 429, detail, options.requestId),
    'violated-policies': [POLICY],
  };
  return { outcome, response: respond(options, outcome, problemAnswer(body)) };
}

function outage(options: ServeOptions, outcome: RateLimitOutcome, fault?: Error): Served {
  const detail = `The store behind this answer cannot be reached. Retry in ${RETRY_AFTER_OUTAGE_SECONDS} s.`;
  const body = knownProblem('temporary-reduced-capacity', 503, detail, options.requestId);
  const headers = { 'Retry-After': String(RETRY_AFTER_OUTAGE_SECONDS) };
  return { outcome, fault, response: respond(options, outcome, problemAnswer(body, headers)) };
}

function finish(options: ServeOptions, outcome: RateLimitOutcome, settled: Settled): Served {
  if ('answer' in settled) {
    const { status, body, fault } = settled.answer;
    const content = { status, body, type: 'application/json', headers: {} };
    return { outcome, fault, response: respond(options, outcome, content) };
  }
  const { error } = settled;
  if (error instanceof DatabaseError && error.isUnavailable) return outage(options, outcome, error);
  const isTheirs = error instanceof Refusal;
  const body = isTheirs
    ? problem(error.status, error.message, options.requestId)
    : problem(500, 'The request failed here. Its id tells the owner where to look.', options.requestId);
  return { outcome, response: respond(options, outcome, problemAnswer(body)), fault: isTheirs ? undefined : error };
}

interface Content extends Answer {
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

function problemAnswer(body: Problem, headers: Record<string, string> = {}): Content {
  return { status: body.status, body, type: 'application/problem+json', headers };
}

function respond(options: ServeOptions, outcome: RateLimitOutcome, content: Content): APIGatewayProxyResult {
  return {
    statusCode: content.status,
    headers: {
      'Content-Type': content.type,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...rateLimitHeaders(outcome, options.limit, options.now()),
      ...content.headers,
      ...corsHeaders(options),
    },
    body: JSON.stringify(content.body),
  };
}

function corsHeaders({ corsOrigins, event }: ServeOptions): Record<string, string> {
  if (corsOrigins.length === 0) return {};
  const origin = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'origin')?.[1];
  if (!origin || !corsOrigins.includes(origin)) return { Vary: 'Origin' };
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Expose-Headers':
      'Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset',
  };
}

function lazily(connection: Promise<Connection>): Database {
  return { call: async (name, args) => (await connection).database.call(name, args) };
}

type Settled = { readonly answer: Answer } | { readonly error: Error };

/** Kept until the limit is known, so that nobody waits for the one before asking for the other. */
function settle(answering: Promise<Answer>): Promise<Settled> {
  return answering.then(
    (answer) => ({ answer }),
    (error: Error) => ({ error }),
  );
}
