/**
 * The parts of fauxqs that its `exports` hide. They are reached by path, so its version is pinned exactly.
 * Everything around them in this directory is a bridge: newer releases have most of it.
 */
import { join } from 'node:path';
import { packageDirectory } from '../package-directory.ts';

export type FauxMessage = {
  messageId: string;
  body: string;
  sentTimestamp: number;
  approximateReceiveCount: number;
  approximateFirstReceiveTimestamp?: number;
  messageGroupId?: string;
  /** Ours: the queue that a dead letter came from. */
  deadLetterSourceArn?: string;
};

export type FauxQueue = {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  attributes: Record<string, string>;
  messages: FauxMessage[];
  fifoMessages: Map<string, FauxMessage[]>;
  inflightMessages: Map<string, { message: FauxMessage }>;
  persistence?: { deleteMessage(messageId: string): void };
  enqueue(message: FauxMessage): void;
  dequeue(count: number, visibilitySeconds?: number, resolveDeadLetterQueue?: (arn: string) => unknown): object[];
  inspectMessages(): { ready: FauxMessage[] };
  changeVisibility(receiptHandle: string, seconds: number): void;
};

export type FauxStore = {
  host: string;
  persistence?: unknown;
  createQueue(...args: unknown[]): FauxQueue;
  getQueue(url: string): FauxQueue | undefined;
  getQueueByArn(arn: string): FauxQueue | undefined;
  allQueues(): Iterable<FauxQueue>;
  processAllTimers(): void;
};

type Persistence = {
  readonly db: { prepare(sql: string): { run(messageId: string): unknown } };
  updateMessageReady(messageId: string): void;
  loadSqsQueues(store: FauxStore): void;
  close(): void;
};

export async function createStore(): Promise<FauxStore> {
  const { SqsStore } = await importFromFauxqs('sqs/sqsStore.js');
  const store: FauxStore = new SqsStore();
  // An empty host makes queue urls of the address that the client called, which resolves everywhere.
  store.host = '';
  return store;
}

/** Keeps queues and messages in an SQLite file under `directory`, and loads those that are there. */
export async function persist(store: FauxStore, directory: string): Promise<Persistence> {
  const { PersistenceManager } = await importFromFauxqs('persistence.js');
  const persistence: Persistence = new PersistenceManager(directory);
  // fauxqs 2.4.1 empties the count of receives here, which its table forbids: the message would be lost.
  const show = persistence.db.prepare(
    'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?',
  );
  persistence.updateMessageReady = (messageId) => show.run(messageId);
  persistence.loadSqsQueues(store);
  store.persistence = persistence;
  for (const queue of store.allQueues()) Object.assign(queue, { persistence });
  return persistence;
}

async function importFromFauxqs(path: string) {
  return import(join(packageDirectory('fauxqs'), 'dist', path));
}
