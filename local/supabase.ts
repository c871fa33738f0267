import { randomBytes } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { signRole } from './jwt.ts';

const PREFIX = '/rest/v1';

export type SupabaseKeys = {
  /** `sb_secret_…`: the service role. */
  readonly serviceKey: string;
  /** `sb_publishable_…`: anon. */
  readonly anonKey: string;
  readonly jwtSecret: string;
};

/**
 * What the gateway does instead of answering, for tests: the three ways in which a database goes away.
 * `down` drops the connection, `hang` never answers, `hang-in-body` sends the headers and half a body.
 */
export type GatewayFault = 'down' | 'hang' | 'hang-in-body';

export type SupabaseGateway = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Called for each request before it is passed on; answering a fault makes it happen. Undefined ends it. */
  fault(decide: ((method: string, path: string) => GatewayFault | undefined) | undefined): void;
  close(): void;
};

export function createKeys(): SupabaseKeys {
  const random = () => randomBytes(24).toString('base64url');
  return { serviceKey: `sb_secret_${random()}`, anonKey: `sb_publishable_${random()}`, jwtSecret: random() };
}

/**
 * Supabase's gateway before PostgREST: PostgREST knows tokens only, so an `sb_…` key is exchanged for the token
 * of its role, and a key that is wrong or missing never reaches the database.
 */
export function createSupabaseGateway(postgrestUrl: string, keys: SupabaseKeys): SupabaseGateway {
  // PostgREST closes a connection that is idle for long; one of ours must not be used at that moment.
  const agent = new Agent({ keepAlive: true, timeout: 5_000 });
  let decideFault: ((method: string, path: string) => GatewayFault | undefined) | undefined;

  return {
    handle(request, response) {
      const path = (request.url ?? '/').slice(PREFIX.length) || '/';
      const fault = decideFault?.(request.method ?? 'GET', path);
      if (fault) return commit(fault, response);
      const authorization = authorize(request.headers, keys);
      if ('refusal' in authorization) return refuse(response, authorization.refusal);

      // Whether the client's connection ends is between us and the client: PostgREST would end the pooled one without a
      // word, and the next request on it would be lost.
      const { apikey: _, connection: __, ...headers } = request.headers;
      const upstream = httpRequest(`${postgrestUrl}${path}`, {
        method: request.method,
        headers: { ...headers, authorization: authorization.header },
        agent,
      });
      upstream.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.once('error', (error) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end(JSON.stringify({ message: `PostgREST does not answer: ${error.message}` }));
      });
      request.pipe(upstream);
    },
    fault(decide) {
      decideFault = decide;
    },
    close: () => agent.destroy(),
  };
}

/** Decides whose token goes on to PostgREST. */
export function authorize(
  headers: IncomingMessage['headers'],
  keys: SupabaseKeys,
): { header: string } | { refusal: string } {
  const bearer = headers.authorization?.replace(/^Bearer /i, '');
  const key = headers['apikey'] ?? bearer;
  if (typeof key !== 'string') return { refusal: 'No API key found in request' };
  if (bearer?.startsWith('sb_') && bearer !== key) return { refusal: 'Invalid API key' };
  // A person's own token outranks the key that came with it.
  if (bearer && !bearer.startsWith('sb_')) return { header: `Bearer ${bearer}` };
  if (key === keys.serviceKey) return { header: `Bearer ${signRole('service_role', keys.jwtSecret)}` };
  if (key === keys.anonKey) return { header: `Bearer ${signRole('anon', keys.jwtSecret)}` };
  if (key.startsWith('sb_') || key.split('.').length !== 3) return { refusal: 'Invalid API key' };
  return { header: `Bearer ${key}` };
}

function refuse(response: ServerResponse, message: string): void {
  response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}

function commit(fault: GatewayFault, response: ServerResponse): void {
  if (fault === 'down') response.destroy();
  if (fault === 'hang-in-body') response.writeHead(200, { 'content-type': 'application/json' }).write('[{"half":');
}
