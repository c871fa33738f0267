import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand, type Message, SendMessageCommand } from '@aws-sdk/client-sqs';
import { connectDeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { peek } from '../../lambdas/dlq-monitor/peek.ts';
import type { Context } from '../context.ts';
import { queueNameOf } from '../dead-letters/record.ts';
import { pause } from '../pause.ts';
import { refusalOf } from '../rest.ts';
import { Fault } from './check.ts';

/** While a monitor looks at the queue, its messages are hidden; it is done within this. */
const REMOVAL_MS = 130_000;
const ONE_LOOK_MS = 30_000;

/** A dead letter that is none: it names no job, so that nothing but its alert comes of it. */
export interface TestLetter {
  readonly messageId: string;
  /** Whether the dlq-monitor has recorded it. */
  isRecorded(): Promise<boolean>;
  /**
   * Deletes it and its record. It is the one message that any command deletes, found by the id that SQS gave it.
   * @throws Fault when it cannot be found, with its id
   */
  remove(tell: (text: string) => void): Promise<void>;
}

export async function sendTestLetter(context: Context): Promise<TestLetter> {
  const dlqUrl = await context.dlqUrl();
  const { sqs } = context.clients;
  const id = randomUUID();
  const isFifo = dlqUrl.endsWith('.fifo');
  const record = `/dead_letters?queue_name=eq.${encodeURIComponent(queueNameOf(dlqUrl))}&message_id=eq.`;
  await ask(context, `${record}none`); // before anything is sent: without this right, it could not be tidied up
  const { MessageId: messageId = '' } = await sqs.send(
    new SendMessageCommand({
      QueueUrl: dlqUrl,
      MessageBody: JSON.stringify({
        queuekeeper_test: id,
        reason: `Test message of queuekeeper verify, asked by ${context.askedBy}: it is removed again by itself`,
      }),
      ...(isFifo ? { MessageGroupId: id, MessageDeduplicationId: id } : {}),
    }),
  );
  const ownRecord = `${record}${encodeURIComponent(messageId)}`;

  /** @returns false while it is hidden, because somebody else is reading the queue */
  async function deleteMessage(): Promise<boolean> {
    const queue = connectDeadLetterQueue(sqs, dlqUrl);
    const until = Date.now() + ONE_LOOK_MS;
    let isDeleted = false;
    const onMessages = async (messages: Message[]) => {
      const own = messages.find(({ MessageId }) => MessageId === messageId);
      if (!own) return;
      await sqs.send(new DeleteMessageCommand({ QueueUrl: dlqUrl, ReceiptHandle: own.ReceiptHandle }));
      isDeleted = true;
    };
    const { visible } = await queue.readAttributes();
    const expected = Math.max(1, visible); // the count is approximate
    await peek({ queue, expected, remainingMs: () => (isDeleted ? 0 : until - Date.now()), onMessages });
    return isDeleted;
  }

  return {
    messageId,
    isRecorded: async () => ((await ask(context, `${ownRecord}&select=message_id`)) as unknown[]).length > 0,
    async remove(tell) {
      const until = Date.now() + REMOVAL_MS;
      while (!(await deleteMessage())) {
        if (Date.now() > until) {
          throw left(`the test message ${messageId} could not be found in ${dlqUrl}`);
        }
        tell('removing the test message; somebody else is reading the queue');
        await pause(2_000, NEVER);
      }
      await ask(context, ownRecord, 'DELETE').catch((cause) => {
        throw left(`the record of the test message ${messageId} is still in dead_letters`, { cause });
      });
    },
  };
}

/** A fault, so that it is told also after Ctrl-C. */
function left(what: string, options?: ErrorOptions): Fault {
  const toDo =
    'Delete it by hand. A message that somebody redrove meanwhile is in the job queue: its body says queuekeeper_test.';
  return new Fault(what, toDo, options);
}

const NEVER = new AbortController().signal;

async function ask(context: Context, path: string, method: 'GET' | 'DELETE' = 'GET'): Promise<unknown> {
  const answer = await context.rest().ask(path, { method });
  if (answer.status >= 300) throw new Error(`dead_letters: ${refusalOf(answer).message}`);
  return answer.json;
}
