import type { Message } from '@aws-sdk/client-sqs';
import type { DeadLetterQueue, QueueAttributes } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { deadLetterOf, type Ledger } from '../../lambdas/dlq-monitor/ledger.ts';
import type { State, StateStore } from '../../lambdas/dlq-monitor/state-store.ts';
import type { SlackMessage } from '../../lambdas/shared/slack-message.ts';

const DLQ_ARN = 'arn:aws:sqs:us-east-1:123456789012:dead-letters';

export type FakeQueue = DeadLetterQueue & {
  readonly messages: Message[];
  /** Ids that a consumer holds. */
  readonly held: Set<string>;
  /** Every receive, with the ids that it answered. */
  readonly receives: string[][];
  readonly givenBack: string[];
  send(...ids: string[]): void;
  remove(...ids: string[]): void;
  /** Moves all out, as a redrive does. */
  redrive(): void;
  /** Asked before each receive, counted from 1; it may throw, or answer false for an empty answer. */
  onReceive: (call: number) => boolean | undefined;
  /** Instead of the counts and calls that are right. */
  faults: Partial<Pick<DeadLetterQueue, 'readAttributes' | 'giveBack' | 'countRedriven'>>;
};

/** A queue in memory: what is received is hidden until it is given back. */
export function aQueue(...ids: string[]): FakeQueue {
  const messages: Message[] = [];
  const held = new Set<string>();
  const hidden = new Set<string>();
  let redriven = 0;
  const visible = () => messages.filter(({ MessageId = '' }) => !held.has(MessageId) && !hidden.has(MessageId));
  const real: DeadLetterQueue = {
    async readAttributes(): Promise<QueueAttributes> {
      const inFlight = messages.length - visible().length;
      return { visible: visible().length, inFlight, delayed: 0, retentionSeconds: 14 * 86_400, arn: DLQ_ARN };
    },
    async receive() {
      const received = visible().slice(0, 10);
      for (const { MessageId = '' } of received) hidden.add(MessageId);
      return received;
    },
    async giveBack(handles) {
      for (const handle of handles) hidden.delete(handle.replace('handle-', ''));
    },
    countRedriven: async () => redriven,
  };
  const queue: FakeQueue = {
    messages,
    held,
    receives: [],
    givenBack: [],
    onReceive: () => true,
    faults: {},
    send(...sent) {
      for (const id of sent) {
        messages.push({
          MessageId: id,
          ReceiptHandle: `handle-${id}`,
          Body: JSON.stringify({ customer_id: 'acme' }),
          Attributes: { SentTimestamp: '1700000000000', ApproximateReceiveCount: '6' },
        });
      }
    },
    remove(...removed) {
      for (const id of removed) {
        messages.splice(
          messages.findIndex(({ MessageId }) => MessageId === id),
          1,
        );
      }
    },
    redrive() {
      redriven += messages.splice(0).length;
    },
    readAttributes: () => (queue.faults.readAttributes ?? real.readAttributes)(),
    async receive(hideSeconds) {
      const isEmpty = queue.onReceive(queue.receives.length + 1) === false;
      const received = isEmpty ? [] : await real.receive(hideSeconds);
      queue.receives.push(received.map(({ MessageId = '' }) => MessageId));
      return received;
    },
    async giveBack(handles) {
      await (queue.faults.giveBack ?? real.giveBack)(handles);
      queue.givenBack.push(...handles);
    },
    countRedriven: (arn, since) => (queue.faults.countRedriven ?? real.countRedriven)(arn, since),
  };
  queue.send(...ids);
  return queue;
}

export type FakeLedger = Ledger & {
  readonly recorded: Set<string>;
  readonly stillOpen: Set<string>;
  isDown: boolean;
  /** Ids that the database refuses. */
  readonly refuses: Set<string>;
};

/** dead_letters in memory. */
export function aLedger(): FakeLedger {
  const recorded = new Set<string>();
  const open = new Set<string>();
  const refuses = new Set<string>();
  const letterOf = (message_id: string) =>
    deadLetterOf(
      {
        message_id,
        body: '',
        receive_count: 5,
        sent_at: '2026-11-24T12:00:00Z',
        expires_at: '2026-12-08T12:00:00Z',
      },
      new Date('2026-11-24T15:00:00Z'),
    );
  const answer = () => {
    if (ledger.isDown) throw new Error('the database does not answer');
  };
  const ledger: FakeLedger = {
    recorded,
    stillOpen: open,
    refuses,
    isDown: false,
    async record(letters) {
      answer();
      const taken = letters.filter(({ message_id }) => !refuses.has(message_id));
      const newCount = taken.filter(({ message_id }) => !recorded.has(message_id)).length;
      for (const { message_id } of taken) {
        recorded.add(message_id);
        open.add(message_id);
      }
      const refused = letters.map(({ message_id }) => message_id).filter((id) => refuses.has(id));
      return { newCount, refused, unmarked: [] };
    },
    async open() {
      answer();
      return [...open].map(letterOf);
    },
    async clear(stillThere) {
      answer();
      const gone = [...open].filter((id) => !stillThere.includes(id));
      for (const id of gone) open.delete(id);
      return { redriven: 0, deleted: gone.length, unknown: 0, expired: [] };
    },
  };
  return ledger;
}

export function aStore(): StateStore & { state?: State } {
  const store: StateStore & { state?: State } = {
    state: undefined,
    lock: async () => true,
    unlock: async () => {},
    read: async () => store.state,
    remembered: () => undefined,
    async write(state) {
      store.state = JSON.parse(JSON.stringify(state));
    },
  };
  return store;
}

export function aSlack() {
  const texts: string[] = [];
  const slack = {
    texts,
    isDown: false,
    async send({ text }: SlackMessage) {
      if (slack.isDown) throw new Error('no_service');
      texts.push(text);
    },
  };
  return slack;
}
