import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { close, LOOPBACK, listen } from './loopback.ts';

const CONTENT_TYPE = 'application/x-amz-json-1.1';

type StoredParameter = { value: string; type: string; version: number; modifiedSeconds: number };

export type Ssm = {
  readonly endpoint: string;
  /** Writes a SecureString, as the operator does on a real account. */
  set(name: string, value: string): void;
  delete(name: string): void;
  /** Drops every connection, as when the service cannot be reached; or never answers (`hang`). */
  setDown(down: boolean | 'hang'): void;
  stop(): Promise<void>;
};

/** An SSM parameter store in memory, so that a function's code has no branch for running locally. */
export async function startSsm(): Promise<Ssm> {
  const store = new Map<string, StoredParameter>();
  let isDown: boolean | 'hang' = false;
  const server = createServer((request, response) => {
    if (isDown === 'hang') return;
    if (isDown) request.socket.destroy();
    else answer(store, request, response).catch(() => response.destroy());
  });
  const port = await listen(server, 0);
  return {
    endpoint: `http://${LOOPBACK}:${port}`,
    set: (name, value) => void put(store, { Name: name, Value: value, Type: 'SecureString', Overwrite: true }),
    delete: (name) => void store.delete(name),
    setDown: (down) => {
      isDown = down;
      if (down === true) server.closeAllConnections();
    },
    stop: () => close(server),
  };
}

type Body = { Name: string; Value: string; Type?: string; Overwrite?: boolean; WithDecryption?: boolean };

const actions: Record<string, (store: Map<string, StoredParameter>, body: Body) => object> = {
  GetParameter: get,
  PutParameter: put,
  DeleteParameter(store, { Name }) {
    if (!store.delete(Name)) throw new SsmError('ParameterNotFound', `Parameter ${Name} not found.`);
    return {};
  },
};

function get(store: Map<string, StoredParameter>, { Name, WithDecryption }: Body): object {
  const found = store.get(Name);
  if (!found) throw new SsmError('ParameterNotFound', `Parameter ${Name} not found.`);
  const isHidden = found.type === 'SecureString' && !WithDecryption;
  return {
    Parameter: {
      Name,
      Type: found.type,
      Value: isHidden ? Buffer.from(`encrypted:${found.version}`).toString('base64') : found.value,
      Version: found.version,
      LastModifiedDate: found.modifiedSeconds,
      ARN: `arn:aws:ssm:us-east-1:000000000000:parameter/${Name.replace(/^\//, '')}`,
      DataType: 'text',
    },
  };
}

function put(store: Map<string, StoredParameter>, { Name, Value, Type, Overwrite }: Body): object {
  const existing = store.get(Name);
  if (existing && !Overwrite) throw new SsmError('ParameterAlreadyExists', `The parameter ${Name} already exists.`);
  const version = (existing?.version ?? 0) + 1;
  const type = Type ?? existing?.type ?? 'String';
  store.set(Name, { value: Value, type, version, modifiedSeconds: Date.now() / 1000 });
  return { Version: version, Tier: 'Standard' };
}

/** Told apart from our own faults: only these reach the client as SSM's errors. */
class SsmError extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

async function answer(store: Map<string, StoredParameter>, request: IncomingMessage, response: ServerResponse) {
  const reply = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(JSON.stringify(body));
  const action = String(request.headers['x-amz-target']).replace('AmazonSSM.', '');
  const run = actions[action];
  if (!run) return reply(400, { __type: 'InvalidAction', message: `The local SSM does not know ${action}.` });
  try {
    reply(200, run(store, JSON.parse(await readBody(request))));
  } catch (error) {
    if (!(error instanceof SsmError)) throw error;
    reply(400, { __type: error.type, message: error.message });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
