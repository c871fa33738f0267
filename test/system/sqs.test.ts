/** What the product relies on in SQS, asserted of the local one: when it is replaced, this says what must stay true. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sqs, startSqs } from '../../local/sqs/start-sqs.ts';

let sqs: Sqs;
let client: SQSClient;
let queues = 0;
let queue: { url: string; arn: string };
let deadLetters: { url: string; arn: string };

beforeAll(async () => {
  sqs = await startSqs();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new SQSClient({ endpoint: sqs.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
});
afterAll(async () => {
  client.destroy();
  await sqs.stop();
});
beforeEach(async () => {
  sqs.refuse(undefined);
  sqs.setDown(false);
  queues += 1;
  deadLetters = await sqs.createQueue(`dead-${queues}`);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetters.arn, maxReceiveCount: 2 });
  queue = await sqs.createQueue(`jobs-${queues}`, { RedrivePolicy, VisibilityTimeout: '30' });
});

const send = (body: string, DelaySeconds?: number) =>
  client.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body, DelaySeconds }));
const receive = async (QueueUrl = queue.url, VisibilityTimeout?: number, WaitTimeSeconds = 0) => {
  const request = { QueueUrl, VisibilityTimeout, WaitTimeSeconds, MessageSystemAttributeNames: ['All' as const] };
  return (await client.send(new ReceiveMessageCommand({ ...request, MaxNumberOfMessages: 10 }))).Messages ?? [];
};
const sendBatch = (ids: string[]) =>
  client.send(
    new SendMessageBatchCommand({ QueueUrl: queue.url, Entries: ids.map((Id) => ({ Id, MessageBody: `job ${Id}` })) }),
  );
const counts = async (QueueUrl = queue.url) => {
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return {
    visible: Number(Attributes?.ApproximateNumberOfMessages),
    inFlight: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
    delayed: Number(Attributes?.ApproximateNumberOfMessagesDelayed),
  };
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Received more often than the redrive policy allows, so that the next receive buries it. */
const wearOut = async () => {
  for (let attempt = 0; attempt < 2; attempt += 1) expect(await receive(queue.url, 0)).toHaveLength(1);
  expect(await receive()).toEqual([]);
};

describe('sending', () => {
  it('takes ten entries in a batch and refuses eleven as a whole', async () => {
    const ids = Array.from({ length: 11 }, (_, index) => `e${index}`);
    await expect(sendBatch(ids)).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
    expect((await sendBatch(ids.slice(1))).Successful).toHaveLength(10);
    expect(await counts()).toEqual({ visible: 10, inFlight: 0, delayed: 0 });
  });

  it('reports a refused entry by its id while the others go through', async () => {
    const bad = { Id: 'bad', MessageBody: 'a\u0000b' };
    const answer = await client.send(
      new SendMessageBatchCommand({ QueueUrl: queue.url, Entries: [{ Id: 'good', MessageBody: 'a' }, bad] }),
    );
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['good']);
    expect(answer.Failed).toMatchObject([{ Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' }]);
  });

  it('holds a delayed message back, and counts it as delayed', async () => {
    await send('later', 3);
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 1 });
    expect(await receive()).toEqual([]);
    await pause(3_050);
    expect(await counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });
});

describe('receiving', () => {
  it('hides a received message until its visibility timeout, without anyone asking in between', async () => {
    await send('once');
    const [first] = await receive(queue.url, 3);
    expect(first?.Attributes?.ApproximateReceiveCount).toBe('1');
    expect(await counts()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    await pause(3_050);
    expect(await counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });

  it('gives a message back at once when its visibility is set to 0', async () => {
    await send('back');
    const [message] = await receive();
    const request = { QueueUrl: queue.url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 };
    await client.send(new ChangeMessageVisibilityCommand(request));
    expect((await receive())[0]?.Attributes?.ApproximateReceiveCount).toBe('2');
  });

  it('never shows a deleted message again', async () => {
    await send('done');
    const [message] = await receive();
    await client.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: message?.ReceiptHandle }));
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  it('wakes a long poll when a message arrives', async () => {
    const polling = receive(queue.url, undefined, 5);
    await pause(100);
    await send('wake');
    expect(await polling).toHaveLength(1);
  });
});

describe('dead letters', () => {
  it('buries a message after the allowed receives, with its count and where it came from', async () => {
    await send('poison');
    await wearOut();
    const [buried] = await receive(deadLetters.url, 0);
    expect(buried?.Body).toBe('poison');
    expect(buried?.Attributes).toMatchObject({ ApproximateReceiveCount: '3', DeadLetterQueueSourceArn: queue.arn });
    const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: deadLetters.url }));
    expect(sources.queueUrls).toEqual([queue.url]);
  });

  it('moves dead letters back to where they came from, as new messages', async () => {
    await send('again');
    await wearOut();
    await client.send(new StartMessageMoveTaskCommand({ SourceArn: deadLetters.arn }));
    expect(await counts(deadLetters.url)).toMatchObject({ visible: 0 });
    expect((await receive())[0]?.Attributes?.ApproximateReceiveCount).toBe('1');
    const tasks = await client.send(new ListMessageMoveTasksCommand({ SourceArn: deadLetters.arn }));
    expect(tasks.Results).toMatchObject([{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 1 }]);
  });

  it('refuses a redrive policy whose target does not exist', async () => {
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: `${deadLetters.arn}-not`, maxReceiveCount: 1 });
    await expect(sqs.createQueue('orphan', { RedrivePolicy })).rejects.toThrow('Dead letter target does not exist');
  });

  it('refuses to move from a queue that is nobody’s dead-letter queue', async () => {
    const move = client.send(new StartMessageMoveTaskCommand({ SourceArn: queue.arn }));
    await expect(move).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });
});

describe('a FIFO queue', () => {
  it('keeps the order in a group, locks it while one is in flight, and drops duplicates', async () => {
    const { url } = await sqs.createQueue(`ordered-${queues}.fifo`, { FifoQueue: 'true' });
    const sendTo = (MessageBody: string, MessageDeduplicationId = MessageBody) =>
      client.send(new SendMessageCommand({ QueueUrl: url, MessageBody, MessageDeduplicationId, MessageGroupId: 'g' }));
    const first = await sendTo('1');
    await sendTo('2');
    expect((await sendTo('1 again', '1')).MessageId).toBe(first.MessageId);
    const [one] = await receive(url);
    expect(one?.Body).toBe('1');
    expect(await receive(url)).toEqual([]);
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: one?.ReceiptHandle }));
    expect((await receive(url)).map(({ Body }) => Body)).toEqual(['2']);
  });
});

it('refuses a second purge within a minute', async () => {
  await client.send(new PurgeQueueCommand({ QueueUrl: queue.url }));
  const again = client.send(new PurgeQueueCommand({ QueueUrl: queue.url }));
  await expect(again).rejects.toMatchObject({ name: 'PurgeQueueInProgress' });
});

describe('faults on command', () => {
  it('refuses the named entries of a batch and sends the others', async () => {
    sqs.refuse((action) => (action === 'SendMessageBatch' ? { entries: ['b', 'c'] } : undefined));
    const answer = await sendBatch(['a', 'b', 'c']);
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['a']);
    expect(answer.Failed?.map(({ Id, SenderFault, Code }) => [Id, SenderFault, Code])).toEqual([
      ['b', false, 'InternalError'],
      ['c', false, 'InternalError'],
    ]);
    expect(await counts()).toMatchObject({ visible: 1 });
  });

  it('refuses a whole request, or every connection', async () => {
    sqs.refuse(() => ({ status: 403, type: 'RequestThrottled', message: 'Slow down.' }));
    await expect(send('no')).rejects.toMatchObject({ name: 'RequestThrottled' });
    sqs.refuse(undefined);
    client.destroy(); // its idle connections, whose end it might not notice in time
    sqs.setDown(true);
    await expect(send('no')).rejects.toThrow('socket hang up');
    sqs.setDown(false);
    await send('yes');
    expect(await counts()).toMatchObject({ visible: 1 });
  });

  it('carries a request out and drops the answer', async () => {
    sqs.refuse((action) => (action === 'SendMessage' ? 'drop-answer' : undefined));
    await expect(send('twice?')).rejects.toThrow();
    expect(await counts()).toMatchObject({ visible: 1 });
  });
});

describe('with a directory', () => {
  let directory: string;
  let kept: Sqs;
  let keptClient: SQSClient;
  let QueueUrl: string;
  const start = async () => {
    kept = await startSqs({ directory });
    const dead = await kept.createQueue('kept-dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 });
    QueueUrl = (await kept.createQueue('kept', { RedrivePolicy, VisibilityTimeout: '30' })).url;
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    keptClient = new SQSClient({ endpoint: kept.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  };
  const stop = async () => {
    keptClient.destroy();
    await kept.stop();
  };
  const keptMessage = async () => {
    const request = { QueueUrl, MessageSystemAttributeNames: ['All' as const], MessageAttributeNames: ['All'] };
    return (await keptClient.send(new ReceiveMessageCommand(request))).Messages?.[0];
  };
  const show = ({ ReceiptHandle }: { ReceiptHandle?: string | undefined } = {}) =>
    keptClient.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'queuekeeper-sqs-'));
    await start();
  });
  afterEach(async () => {
    await stop();
    await rm(directory, { recursive: true });
  });

  it('keeps a message between starts, on whatever port, with its attributes', async () => {
    const MessageAttributes = { by: { DataType: 'String', StringValue: 'hand' } };
    await keptClient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'still here', MessageAttributes }));
    await stop();
    await start();
    expect(await keptMessage()).toMatchObject({ Body: 'still here', MessageAttributes });
  });

  it('gives a message back whose visibility is set to 0, and counts its receives over a restart', async () => {
    await keptClient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'back' }));
    await show(await keptMessage());
    const second = await keptMessage();
    expect(second?.Attributes?.ApproximateReceiveCount).toBe('2');
    await show(second);
    await stop();
    await start();
    expect((await keptMessage())?.Attributes?.ApproximateReceiveCount).toBe('3');
  });

  it('keeps a message in flight hidden over a restart, under the same receipt', async () => {
    await keptClient.send(new SendMessageCommand({ QueueUrl, MessageBody: 'in hand' }));
    const held = await keptMessage();
    await stop();
    await start();
    expect(await keptMessage()).toBeUndefined();
    await show(held);
    expect(await keptMessage()).toMatchObject({ Body: 'in hand' });
  });
});
