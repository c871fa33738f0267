import { unescapeMrkdwn } from '../slack-html.ts';
import type { ReceivedMessage } from '../slack-page.ts';

/** What the demo reads from a dead letter alert, as a person would: from its text. */
export type DeadLetterAlert = { readonly cause: string; readonly expiresIn: string; readonly command: string };

export function titleOf({ payload }: ReceivedMessage): string {
  return payload.text ?? '';
}

/** @throws when a part that a reader needs is not in the message */
export function readAlert(message: ReceivedMessage): DeadLetterAlert {
  const text = textOf(message);
  return {
    cause: find(text, /\*Top causes\*.*\n• \*\d+ ×\* (.+) \(seen .* ago\)/, 'a cause').replaceAll('`', ''),
    expiresIn: find(text, /\*expires in (.+?)\*/, 'an expiry'),
    command: find(text, /```\s*(aws .+?)\s*```/s, 'a command'),
  };
}

/** How many an all clear says were redriven. */
export function readRedriven(message: ReceivedMessage): number {
  return Number(find(textOf(message), /\*(\d+)\* redriven/, 'how many were redriven'));
}

function find(text: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(text)?.[1];
  if (found) return found;
  throw new Error(`The Slack message does not hold ${what}: ${text}`);
}

function textOf({ payload }: ReceivedMessage): string {
  const sections = (payload.blocks ?? []).filter((block) => block.type === 'section');
  return unescapeMrkdwn(sections.map(({ text }) => text?.text ?? '').join('\n'));
}
