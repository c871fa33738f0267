/** What SQS does for clients that the AWS SDK of today is not: those of an older protocol, and those that are gone. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Sqs, startSqs } from '../../local/sqs/start-sqs.ts';

let sqs: Sqs;
let client: SQSClient;
let queues = 0;
let QueueUrl: string;

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
  queues += 1;
  QueueUrl = (await sqs.createQueue(`queue-${queues}`)).url;
});

const send = (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody }));

async function ask(form: Record<string, string>): Promise<{ status: number; xml: string }> {
  const body = new URLSearchParams({ QueueUrl, Version: '2012-11-05', ...form });
  const response = await fetch(sqs.endpoint, { method: 'POST', body });
  return { status: response.status, xml: await response.text() };
}

describe('The query protocol', () => {
  test('receives a message with its attributes, hides it as told, and deletes it', async () => {
    await send('{"text": "<&>"}');
    const received = await ask({
      Action: 'ReceiveMessage',
      MaxNumberOfMessages: '1',
      VisibilityTimeout: '60',
      'AttributeName.1': 'ApproximateReceiveCount',
    });
    expect(received.xml).toContain('<Body>{"text": "&lt;&amp;&gt;"}</Body>');
    expect(received.xml).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>');
    const ReceiptHandle = /<ReceiptHandle>(.*)<\/ReceiptHandle>/.exec(received.xml)?.[1] ?? '';
    expect((await ask({ Action: 'ReceiveMessage' })).xml).not.toContain('<Message>');

    expect(await ask({ Action: 'ChangeMessageVisibility', ReceiptHandle, VisibilityTimeout: '0' })).toMatchObject({
      status: 200,
    });
    const { Messages: [again] = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(await ask({ Action: 'DeleteMessage', ReceiptHandle: again?.ReceiptHandle ?? '' })).toMatchObject({
      status: 200,
      xml: '<DeleteMessageResponse><DeleteMessageResult></DeleteMessageResult></DeleteMessageResponse>',
    });
    expect(sqs.visibleMessages()).toContainEqual([`queue-${queues}`, 0]);
  });

  test('says in XML what is wrong', async () => {
    const { status, xml } = await ask({ Action: 'ReceiveMessage', QueueUrl: `${QueueUrl}-of-nobody` });
    expect(status).toBe(400);
    expect(xml).toMatch(/<Code>.*QueueDoesNotExist<\/Code>/);
  });

  test('is refused by name for what a worker does not call', async () => {
    const { status, xml } = await ask({ Action: 'PurgeQueue' });
    expect(status).toBe(400);
    expect(xml).toContain('PurgeQueue in the query protocol');
  });
});

test('A client that hung up in its long poll takes no message, and none of its receives', async () => {
  const gone = new AbortController();
  const poll = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 600 });
  const polling = client.send(poll, { abortSignal: gone.signal }).catch((error: Error) => error.name);
  await new Promise((resolve) => setTimeout(resolve, 300));
  gone.abort();
  expect(await polling).toBe('AbortError');
  await new Promise((resolve) => setTimeout(resolve, 100));

  await send('for the living');
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds: 2,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  );
  expect(Messages).toMatchObject([{ Body: 'for the living', Attributes: { ApproximateReceiveCount: '1' } }]);
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }));
});

test('A client that dies in the middle of its request harms nobody else', async () => {
  const { hostname, port } = new URL(sqs.endpoint);
  const socket = connect(Number(port), hostname);
  socket.write(
    'POST / HTTP/1.1\r\nHost: sqs\r\nContent-Type: application/x-amz-json-1.0\r\n' +
      'X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: 100\r\n\r\n{"QueueUrl": ',
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await once(socket, 'close');
  await new Promise((resolve) => setTimeout(resolve, 200));

  await send('for the living');
  expect((await client.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toHaveLength(1);
});
