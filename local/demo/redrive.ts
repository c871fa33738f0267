import { SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';

const COMMAND = 'aws sqs start-message-move-task';

/**
 * Does what the AWS CLI does with a redrive command, with `--endpoint-url` for the local SQS: the arguments are those
 * of the text.
 * @throws when the text is another command, or has no queue in it
 */
export async function redriveBy(command: string, endpoint: string): Promise<void> {
  const options = optionsOf(command);
  const { region = '', 'source-arn': SourceArn, 'max-number-of-messages-per-second': perSecond } = options;
  if (!command.startsWith(`${COMMAND} `) || !SourceArn) {
    throw new Error(`The redrive command is "${command}", wanted ${COMMAND} with --source-arn`);
  }
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sqs = new SQSClient({ endpoint, region, credentials });
  const MaxNumberOfMessagesPerSecond = perSecond === undefined ? undefined : Number(perSecond);
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, MaxNumberOfMessagesPerSecond }));
  sqs.destroy();
}

function optionsOf(command: string): Record<string, string | undefined> {
  return Object.fromEntries([...command.matchAll(/--([a-z-]+)\s+(\S+)/g)].map(([, name, value]) => [name, value]));
}
