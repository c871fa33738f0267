import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { addDlq } from '../../cli/commands/dlq.ts';
import type { Context } from '../../cli/context.ts';

/** SQS with five dead letters, of which a redrive has moved two so far. */
function whileRedriving() {
  const sent: string[] = [];
  const answers: Record<string, object> = {
    GetQueueAttributesCommand: { Attributes: { ApproximateNumberOfMessages: '3', QueueArn: 'arn:dlq' } },
    ListMessageMoveTasksCommand: {
      Results: [{ Status: 'RUNNING', TaskHandle: 'a handle', ApproximateNumberOfMessagesMoved: 2 }],
    },
  };
  const send = async (command: object) => {
    sent.push(command.constructor.name);
    return answers[command.constructor.name] ?? {};
  };
  const output = { isInteractive: false, hasStatus: false, note: () => {}, status: () => {}, result: () => {} };
  const dlqUrl = async () => 'https://sqs/dead-letters';
  return { sent, context: { clients: { sqs: { send } }, output, dlqUrl } as unknown as Context };
}

test.each([[[]], [['--yes']]])(
  'a second redrive is not begun, nor asked about, with the options %j',
  async (options) => {
    const { sent, context } = whileRedriving();
    const program = new Command().exitOverride();
    addDlq(program, () => context);
    await expect(program.parseAsync(['dlq', 'redrive', ...options], { from: 'user' })).rejects.toThrow(
      'A redrive of dead-letters is running already, 2 moved so far. To stop it: npx queuekeeper dlq redrive --cancel',
    );
    expect(sent).not.toContain('StartMessageMoveTaskCommand');
  },
);
