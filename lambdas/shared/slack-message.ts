import type { ContextBlock, DividerBlock, HeaderBlock, KnownBlock, SectionBlock } from '@slack/types';
import { cut, type Mrkdwn, mrkdwn, oneLine } from './mrkdwn.ts';

/**
 * What Slack takes in one message; more is answered by `invalid_payload`, which loses the alert.
 * Source: https://docs.slack.dev/reference/block-kit/blocks (header, section, context) and `…/surfaces/messages`.
 */
const SLACK_LIMITS = {
  blocks: 50,
  headerCharacters: 150,
  textCharacters: 3_000,
  fields: 10,
  fieldCharacters: 2_000,
} as const;

/** A payload for an incoming webhook. `text` is what a notification and a screen reader say. */
export type SlackMessage = {
  text: string;
  blocks: KnownBlock[];
  unfurl_links: false;
  unfurl_media: false;
};

/** A message that fits: what is over the limit is cut, and a last line says so. No previews of links. */
export function slackMessage(text: Mrkdwn, blocks: KnownBlock[]): SlackMessage {
  const cutBlocks = blocks.length - SLACK_LIMITS.blocks + 1;
  const fitting =
    cutBlocks > 1
      ? [
          ...blocks.slice(0, SLACK_LIMITS.blocks - 1),
          context(mrkdwn`… and ${cutBlocks} more parts, cut to Slack’s limit`),
        ]
      : blocks;
  return {
    text: withinLimit(text, SLACK_LIMITS.textCharacters),
    blocks: fitting,
    unfurl_links: false,
    unfurl_media: false,
  };
}

/**
 * The title of a message. Plain text, in which Slack parses nothing; its documents do not say whether entities are
 * decoded there, so that angle brackets become others instead of `&lt;`.
 */
export function header(title: string): HeaderBlock {
  const plain = oneLine(title).replaceAll('<', '‹').replaceAll('>', '›').trim();
  const text = cut(plain || '(no title)', SLACK_LIMITS.headerCharacters);
  return { type: 'header', text: { type: 'plain_text', text, emoji: true } };
}

export function section(...lines: Mrkdwn[]): SectionBlock {
  return { type: 'section', text: textObject(lines, SLACK_LIMITS.textCharacters) };
}

/** Up to ten short texts in two columns; when there are more, the tenth says how many were cut. */
export function fields(...texts: Mrkdwn[]): SectionBlock {
  const kept = texts.length > SLACK_LIMITS.fields ? texts.slice(0, SLACK_LIMITS.fields - 1) : texts;
  const cutLine = kept === texts ? [] : [mrkdwn`… and ${texts.length - kept.length} more, cut to Slack’s limit`];
  return {
    type: 'section',
    fields: [...kept, ...cutLine].map((text) => textObject([text], SLACK_LIMITS.fieldCharacters)),
  };
}

/** Small grey text. */
export function context(...lines: Mrkdwn[]): ContextBlock {
  return { type: 'context', elements: [textObject(lines, SLACK_LIMITS.textCharacters)] };
}

export function divider(): DividerBlock {
  return { type: 'divider' };
}

/** `verbatim` stops Slack from making a link or a mention of a bare URL, `#channel` or `@name` in a value. */
function textObject(lines: Mrkdwn[], limit: number) {
  const text = withinLimit({ mrkdwn: lines.map((line) => line.mrkdwn).join('\n') }, limit);
  return { type: 'mrkdwn' as const, text, verbatim: true };
}

/** Slack refuses an empty text. */
function withinLimit({ mrkdwn: text }: Mrkdwn, limit: number): string {
  return text.trim() === '' ? '(empty)' : cutMrkdwn(text, limit);
}

/**
 * Cuts at a whole line, since half a `<link|…>` or an unclosed code block would spoil what follows. Where that
 * would lose more than half of the room, it cuts inside the line, before a broken entity or link.
 */
function cutMrkdwn(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const fence = '\n```';
  const notice = `\n… cut here to Slack’s limit of ${limit} characters`;
  const kept = cut(text, limit - notice.length - fence.length, '');
  const lineEnd = kept.lastIndexOf('\n');
  const whole = lineEnd > limit / 2 ? kept.slice(0, lineEnd) : kept.replace(/(?:<[^<>]*|&\w*)$/, '');
  const isInCodeBlock = whole.split('```').length % 2 === 0;
  return `${whole}${isInCodeBlock ? fence : ''}${notice}`;
}
