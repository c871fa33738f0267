import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { connectDatabase, type Database, DatabaseError } from '../database.ts';
import type { Values } from '../environment.ts';
import { secretsFromSsm } from '../secrets.ts';
import { telemetry } from '../telemetry.ts';
import { bearsWrongSecret, type TrustedProxy } from './caller.ts';
import { API_METRICS, type apiEnvironment } from './env.ts';
import { createLocalLimit } from './local-limit.ts';
import { createRateLimiter, type RateLimitOutcome } from './rate-limit.ts';
import { type Route, type Served, serve } from './serve.ts';

/** The database and its key have so long in total; the answer that they are away is then in time itself. */
const ASK_MS = 2_000;
/** A secret that is known may be a bit older, rather than take the database's time while SSM is slow. */
const SECRET_PATIENCE_MS = 500;
/** A secret that was refused, or did not come, is asked for again so often at most: SSM's rate is one for the whole account, and a flood would use it up. */
const REREAD_MS = 10_000;
/** A caller with at most this share of the limit left is near it. */
const NEAR_LIMIT_SHARE = 0.2;

export interface ApiFunction extends Route {
  readonly env: Values<typeof apiEnvironment>;
  readonly service: string;
  /** The limiter's name for the route. */
  readonly routeName: string;
  /** Further metrics of an answer. */
  readonly measure?: (response: APIGatewayProxyResult) => readonly (readonly [name: string, value: number])[];
}

/** Makes the clients of a function of the API, once, and its handler. */
export function createApiHandler(api: ApiFunction) {
  const { env, service, routeName } = api;
  const { logger, metrics } = telemetry(service, env.STAGE);
  const warn = (message: string, error: Error) => logger.warn(message, error);
  const secrets = secretsFromSsm(warn, { patienceMs: SECRET_PATIENCE_MS, pauseMs: REREAD_MS });
  const limit = { maxRequests: env.RATE_LIMIT_REQUESTS, windowMs: env.RATE_LIMIT_WINDOW_MS };
  const now = () => Date.now();
  const limiter = createRateLimiter({ ...limit, route: routeName, mode: env.RATE_LIMIT_MODE, now });
  const localLimit = createLocalLimit({ ...limit, now });
  const corsOrigins = env.CORS_ORIGINS?.split(',') ?? [];
  let isKeyRefused = false;
  let rereadAt = Number.NEGATIVE_INFINITY;
  let proxyRereadAt = Number.NEGATIVE_INFINITY;

  /** A refused key is read again, past the cache: it may have been rotated a moment ago. */
  function readKey(): Promise<string> {
    const name = env.SUPABASE_SERVICE_KEY_PARAMETER;
    const isDue = isKeyRefused && now() - rereadAt >= REREAD_MS;
    if (isDue) rereadAt = now();
    const key = isDue ? secrets.readAgain(name) : secrets.read(name);
    key.catch(() => {}); // whoever connects hears of it; a refused caller never does
    return key;
  }

  async function connect(reading: Promise<string>, startedAt: number) {
    const key = await within(leftMs(startedAt), reading);
    const direct = connectDatabase({ url: env.SUPABASE_URL, key, timeoutMs: leftMs(startedAt) });
    return { key, database: noting(direct, (refused) => (isKeyRefused = refused)) };
  }

  const leftMs = (startedAt: number) => Math.max(1, startedAt + ASK_MS - now());

  /** Until the new secret of a proxy is known, all of its clients are one caller: it is looked for at the first sign. */
  async function proxy(event: APIGatewayProxyEvent): Promise<TrustedProxy | undefined> {
    const { PROXY_ADDRESS_HEADER: addressHeader, PROXY_SECRET_HEADER: secretHeader } = env;
    const { PROXY_SECRET_PARAMETER: parameter } = env;
    if (!addressHeader || !secretHeader || !parameter) return undefined;
    try {
      const known = { addressHeader, secretHeader, secret: await within(ASK_MS, secrets.read(parameter)) };
      if (!bearsWrongSecret(event, known) || now() - proxyRereadAt < REREAD_MS) return known;
      proxyRereadAt = now();
      return { ...known, secret: await within(ASK_MS, secrets.readAgain(parameter)) };
    } catch (error) {
      logger.warn('The proxy cannot be told from others: its secret is not known', error as Error);
      return undefined;
    }
  }

  return async function handler(event: APIGatewayProxyEvent, context: Context): Promise<APIGatewayProxyResult> {
    logger.addContext(context);
    const startedAt = now();
    // The gateway's own, which the client sees in x-amz-apigw-id and the access log has; requestId may be the client's.
    const { extendedRequestId: requestId = context.awsRequestId } = event.requestContext;
    logger.appendKeys({ gateway_request_id: requestId });
    // Before the proxy's secret is waited for, so that a cold start waits for one of the two.
    const key = readKey();
    try {
      const served = await serve({
        route: api,
        limit,
        limiter,
        mode: env.RATE_LIMIT_MODE,
        localLimit,
        connect: () => connect(key, startedAt),
        proxy: await proxy(event),
        event,
        requestId,
        corsOrigins,
        now,
      });
      report(served);
      for (const [name, value] of api.measure?.(served.response) ?? []) add(name, MetricUnit.Count, value);
      add(API_METRICS.latency, MetricUnit.Milliseconds, now() - startedAt);
      return served.response;
    } finally {
      metrics.publishStoredMetrics();
    }
  };

  function report({ response, outcome, fault }: Served): void {
    if (outcome.outcome === 'unavailable') logger.warn('The rate limiter did not answer', outcome.error);
    if (fault) logger.error('The request failed', fault);
    add(API_METRICS.requests, MetricUnit.Count, 1);
    add(API_METRICS.rateLimited, MetricUnit.Count, Number(isOverLimit(outcome)));
    add(API_METRICS.rateLimitUnavailable, MetricUnit.Count, Number(outcome.outcome === 'unavailable'));
    add(API_METRICS.nearLimit, MetricUnit.Count, Number(isNear(outcome, limit.maxRequests)));
    add(API_METRICS.serverErrors, MetricUnit.Count, Number(response.statusCode === 500));
  }

  function add(name: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: number): void {
    metrics.addMetric(name, unit, value);
  }
}

function isOverLimit(outcome: RateLimitOutcome): boolean {
  return outcome.outcome === 'limited' || (outcome.outcome === 'allowed' && outcome.isOverLimit);
}

function isNear(outcome: RateLimitOutcome, maxRequests: number): boolean {
  return outcome.outcome === 'allowed' && !outcome.isOverLimit && outcome.remaining <= NEAR_LIMIT_SHARE * maxRequests;
}

/** Tells after each call whether the database refused the key. */
function noting(database: Database, note: (isKeyRefused: boolean) => void): Database {
  return {
    async call<T>(name: string, args?: Record<string, unknown>): Promise<T> {
      try {
        const answer = await database.call<T>(name, args);
        note(false);
        return answer;
      } catch (error) {
        note(error instanceof DatabaseError && error.isKeyRefused);
        throw error;
      }
    },
  };
}

/** A secret that does not come must not hold up the answer that it did not. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new DatabaseError('the secret did not come from SSM in time', 0)), ms);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}
