import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { redriveBy } from '../../local/demo/redrive.ts';
import { readAlert, readRedriven } from '../../local/demo/slack-words.ts';

const aMessage = (name: string) => ({
  at: new Date(),
  payload: JSON.parse(readFileSync(join(import.meta.dirname, 'golden', `${name}.json`), 'utf8')),
});

describe('what the demo reads from Slack', () => {
  it('is the cause, the expiry and the whole command of an alert', () => {
    expect(readAlert(aMessage('dead-letters-first'))).toEqual({
      cause: expect.stringContaining('Timeout after <n> ms'),
      expiresIn: expect.stringMatching(/^\d+ d \d+ h$/),
      command: expect.stringMatching(/^aws sqs start-message-move-task .*--source-arn arn:aws:sqs:\S+/),
    });
  });

  it('is how many were redriven', () => {
    expect(readRedriven(aMessage('all-clear-redriven'))).toBe(7);
  });

  it('must be there', () => {
    expect(() => readAlert(aMessage('alarm'))).toThrow('does not hold a cause');
  });
});

it.each(['rm -rf /', 'aws sqs start-message-move-task --region us-east-1'])('%s is no redrive', async (command) => {
  await expect(redriveBy(command, 'http://127.0.0.1:1')).rejects.toThrow(command);
});
