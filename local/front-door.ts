import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { close, LOOPBACK, listen } from './loopback.ts';

/** Answers a request; `false` says that it has nothing under this path. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

export type FrontDoor = {
  readonly origin: string;
  /** Sends every path under `prefix` to `handle`; the longest prefix that fits wins. */
  route(prefix: string, handle: Handle): void;
  /** Sends every path that has no other route to `handle`. */
  otherwise(handle: Handle): void;
  stop(): Promise<void>;
};

/** The one HTTP address of the local system: each part puts what it serves under its own prefix. */
export async function startFrontDoor(port: number): Promise<FrontDoor> {
  const routes = new Map<string, Handle>();
  let rest: Handle = notFound;
  const server = createServer(async (request, response) => {
    // As it was sent: to resolve dots or to decode is for whoever serves it.
    const [path = '/'] = (request.url ?? '/').split('?');
    const fitting = [...routes.keys()].filter((prefix) => path === prefix || path.startsWith(`${prefix}/`));
    const [longest] = fitting.sort((a, b) => b.length - a.length);
    const handle = longest === undefined ? rest : (routes.get(longest) ?? rest);
    try {
      if ((await handle(request, response)) === false) notFound(request, response);
    } catch (error) {
      if (!response.headersSent) response.writeHead(500).end(String(error));
    }
  });
  const origin = `http://${LOOPBACK}:${await listen(server, port)}`;
  return {
    origin,
    route: (prefix, handle) => void routes.set(prefix, handle),
    otherwise: (handle) => {
      rest = handle;
    },
    stop: () => close(server),
  };
}

const notFound: Handle = (_request, response) =>
  response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not found"}');
