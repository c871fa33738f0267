import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AwsError } from './aws-error.ts';
import type { Handle } from './front-door.ts';
import { close, LOOPBACK, listen } from './loopback.ts';

/** What an action of CloudWatch or CloudWatch Logs answers, by its name in the header x-amz-target. */
export type Actions = Readonly<Record<string, (body: never) => object>>;

export type ControlPlane = { readonly endpoint: string; stop(): Promise<void> };

/**
 * The APIs by which an operator looks at the system and changes it, on one endpoint: those that name an action in a
 * header, and API Gateway, whose actions are paths.
 */
export async function startControlPlane(actions: Actions, apiGateway: Handle): Promise<ControlPlane> {
  const server = createServer(async (request, response) => {
    try {
      const target = request.headers['x-amz-target'];
      if (target === undefined) await apiGateway(request, response);
      else await act(actions, String(target), request, response);
    } catch (error) {
      sendError(response, error);
    }
  });
  const port = await listen(server, 0);
  return { endpoint: `http://${LOOPBACK}:${port}`, stop: () => close(server) };
}

async function act(actions: Actions, target: string, request: IncomingMessage, response: ServerResponse) {
  const run = actions[target];
  if (!run) throw new AwsError('InvalidAction', `The local system does not know ${target}.`);
  const body = await readJson(request);
  const type = String(request.headers['content-type'] ?? 'application/x-amz-json-1.0');
  const answer = JSON.stringify(run(body as never));
  response.writeHead(200, { 'content-type': type }).end(answer);
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  return JSON.parse(Buffer.concat(await request.toArray()).toString() || '{}');
}

/** The type both where API Gateway has it and where the others have it. */
function sendError(response: ServerResponse, error: unknown): void {
  const { type, status, message } =
    error instanceof AwsError ? error : new AwsError('InternalFailure', String(error), 500);
  response
    .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
    .end(JSON.stringify({ __type: type, message }));
}
