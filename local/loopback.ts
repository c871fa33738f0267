import type { Server } from 'node:http';
import { createServer } from 'node:net';

/** Everything local listens here and nowhere else: nothing of the local system is reachable from the network. */
export const LOOPBACK = '127.0.0.1';

/** A port that was free a moment ago, for programs that must be told their port before they start. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server as Server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Listens on the loopback address; port 0 lets the system choose. Answers the port that was taken. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, port)));
    server.listen(port, LOOPBACK, () => resolve((server.address() as { port: number }).port));
  });
}

function explainListenError(error: NodeJS.ErrnoException, port: number): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken by another program. Stop it, or choose another port with --port.`,
    EACCES: `Port ${port} needs more rights than this user has. Choose one above 1023 with --port.`,
  };
  return new Error(reasons[error.code ?? ''] ?? `Cannot listen on ${LOOPBACK}:${port}: ${error.message}`, {
    cause: error,
  });
}

/** Closes a server at once: clients that keep connections open do not delay the stop. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
