import { buildApp } from 'fauxqs';
import { LOOPBACK } from '../loopback.ts';
import type { QueueDepth } from '../queue-gauges.ts';
import { deadLetterActions, rememberDeadLetterSources } from './dead-letters.ts';
import { type Refuse, type SqsBody, withholdEntries } from './faults.ts';
import { createStore, type FauxQueue, type FauxStore, persist } from './fauxqs.ts';
import { giveBackWhatNobodyReceived } from './hung-up.ts';
import { answerFormsInXml, readForms } from './query-protocol.ts';
import { SqsError } from './sqs-error.ts';
import { strictChecks } from './strictness.ts';

const CONTENT_TYPE = 'application/x-amz-json-1.0';

export type Sqs = {
  readonly endpoint: string;
  /** Makes a queue, or gives a kept one the attributes of today. */
  createQueue(name: string, attributes?: Record<string, string>): Promise<{ url: string; arn: string }>;
  /** Visible messages of each queue by its name, without a request that a fault could meet. */
  visibleMessages(): [queueName: string, count: number][];
  depths(): QueueDepth[];
  /** Installs a fault for tests; undefined removes it. See faults.ts. */
  refuse(decide: Refuse | undefined): void;
  /** Drops every connection, as when the service cannot be reached. */
  setDown(down: boolean): void;
  stop(): Promise<void>;
};

export type SqsOptions = {
  /** Where queues and messages are kept between starts. @default in memory */
  readonly directory?: string;
  /** @default a free port */
  readonly port?: number;
};

/** Starts an SQS on the loopback address: fauxqs, and what it lacks (dead-letters.ts, strictness.ts). */
export async function startSqs({ directory, port = 0 }: SqsOptions = {}): Promise<Sqs> {
  const store = await createStore();
  rememberDeadLetterSources(store);
  const persistence = directory ? await persist(store, directory) : undefined;
  // fauxqs makes the stores of SNS and S3 itself; its type wants all three.
  const stores = { sqsStore: store } as unknown as NonNullable<Parameters<typeof buildApp>[0]>['stores'];
  const app = buildApp({ logger: false, stores });
  const forms = readForms(app);
  const faults = intercept(app, store);
  giveBackWhatNobodyReceived(app, store);
  answerFormsInXml(app, forms);
  const endpoint = await app.listen({ port, host: LOOPBACK });
  return {
    ...faults,
    endpoint,
    createQueue: (name, attributes) => createQueue(endpoint, store, name, attributes),
    visibleMessages: () => {
      store.processAllTimers();
      return [...store.allQueues()].map((queue) => [queue.name, queue.inspectMessages().ready.length]);
    },
    depths: () => [...store.allQueues()].map(depthOf),
    stop: async () => {
      await app.close();
      persistence?.close();
    },
  };
}

function depthOf(queue: FauxQueue): QueueDepth {
  const sent = queue.inspectMessages().ready.map(({ sentTimestamp }) => sentTimestamp);
  const oldest = Math.min(Date.now(), ...sent);
  return { name: queue.name, hidden: queue.inflightMessages.size, oldestSeconds: (Date.now() - oldest) / 1_000 };
}

type App = ReturnType<typeof buildApp>;
type Action = (body: never) => unknown;

/** Puts our checks, actions and faults before fauxqs's own. */
function intercept(app: App, store: FauxStore): Pick<Sqs, 'refuse' | 'setDown'> {
  const checks: Record<string, Action> = strictChecks(store);
  const actions: Record<string, Action> = deadLetterActions(store);
  const withheld = new WeakMap<object, object[]>();
  const dropped = new WeakSet<object>();
  let refuse: Refuse | undefined;
  let isDown = false;

  app.addHook('onRequest', async (request, reply) => {
    if (!isDown) return;
    reply.hijack();
    request.raw.socket.destroy();
  });

  app.addHook('preHandler', async (request, reply) => {
    const action = actionOf(request.headers);
    const body = request.body as SqsBody;
    if (!action) return;
    reply.header('content-type', CONTENT_TYPE);
    const refusal = await refuse?.(action, body);
    if (refusal === 'drop-answer') dropped.add(request);
    else if (refusal && 'status' in refusal) {
      return reply.code(refusal.status).send({ __type: `com.amazonaws.sqs#${refusal.type}`, message: refusal.message });
    } else if (refusal) {
      withheld.set(request, withholdEntries(body, refusal.entries));
      if (body.Entries?.length === 0) return reply.send({ Successful: [], Failed: [] });
    }
    // fauxqs looks at the clock only when it hands messages out; counts would be of yesterday.
    store.processAllTimers();
    try {
      checks[action]?.(body as never);
      const run = actions[action];
      if (run) return reply.send(run(body as never));
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      return reply.code(400).send({ __type: `com.amazonaws.sqs#${error.type}`, message: error.message });
    }
  });

  app.addHook('onSend', async (request, reply, payload) => {
    if (dropped.has(request)) {
      reply.hijack();
      request.raw.socket.destroy();
    }
    if (typeof payload !== 'string') return payload;
    const failed = withheld.get(request);
    if (failed) return JSON.stringify(addFailures(JSON.parse(payload), failed));
    // A client that died in the middle of its request left no body.
    if (actionOf(request.headers) === 'ReceiveMessage' && request.body) {
      return JSON.stringify(addSources(store, request.body as { QueueUrl: string }, JSON.parse(payload)));
    }
    return payload;
  });

  return {
    refuse: (decide) => {
      refuse = decide;
    },
    setDown: (down) => {
      isDown = down;
      if (down) app.server.closeAllConnections();
    },
  };
}

function actionOf(headers: Record<string, unknown>): string {
  return String(headers['x-amz-target'] ?? '').replace('AmazonSQS.', '');
}

function addFailures(answer: { Failed?: object[] }, failed: object[]): object {
  return { ...answer, Failed: [...(answer.Failed ?? []), ...failed] };
}

type Received = { ReceiptHandle: string; Attributes?: Record<string, string> };

function addSources(store: FauxStore, { QueueUrl }: { QueueUrl: string }, answer: { Messages?: Received[] }): object {
  const inFlight = store.getQueue(QueueUrl)?.inflightMessages;
  for (const { ReceiptHandle, Attributes } of answer.Messages ?? []) {
    const source = inFlight?.get(ReceiptHandle)?.message.deadLetterSourceArn;
    if (Attributes && source) Attributes['DeadLetterQueueSourceArn'] = source;
  }
  return answer;
}

/** Through the front door, so that fauxqs checks the attributes as SQS does. */
async function createQueue(endpoint: string, store: FauxStore, name: string, attributes: Record<string, string> = {}) {
  const url = `${endpoint}/000000000000/${name}`;
  const isKept = store.getQueue(url) !== undefined;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': CONTENT_TYPE,
      'x-amz-target': `AmazonSQS.${isKept ? 'SetQueueAttributes' : 'CreateQueue'}`,
    },
    body: JSON.stringify(
      isKept ? { QueueUrl: url, Attributes: attributes } : { QueueName: name, Attributes: attributes },
    ),
  });
  if (!response.ok) throw new Error(`The local SQS refused the queue ${name}: ${await response.text()}`);
  return { url, arn: store.getQueue(url)?.arn ?? '' };
}
