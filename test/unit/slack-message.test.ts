import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { code, codeBlock, cut, link, moment, mrkdwn, paragraph } from '../../lambdas/shared/mrkdwn.ts';
import { context, divider, fields, header, section, slackMessage } from '../../lambdas/shared/slack-message.ts';
import { blockKitFaults } from '../../local/block-kit.ts';
import { expectSlackTakes } from './block-kit.ts';
import { hostileText } from './hostile-text.ts';

describe('mrkdwn', () => {
  test('escapes values and keeps its own markup', () => {
    expect(mrkdwn`*${'<!channel> & co'}* ${mrkdwn`_${3}_`}`.mrkdwn).toBe('*&lt;!channel&gt; &amp; co* _3_');
  });

  test('keeps a value on one line, without control characters and marks that reorder text', () => {
    expect(mrkdwn`${'a\u0000b\r\nc\u202ed\u061ce'}`.mrkdwn).toBe('a b c d e');
  });

  test('code cannot be ended by its value', () => {
    expect(code('a`b').mrkdwn).toBe('`aˋb`');
    expect(codeBlock('a\n```b').mrkdwn).toBe('```a\nˋˋˋb```');
  });

  test.each([
    ['https://example.com/a?b=1&c=2', '<https://example.com/a?b=1&amp;c=2|la¦bel>'],
    ['javascript:alert(1)', 'la¦bel'],
    ['not a url', 'la¦bel'],
    ['https://example.com/<x>|y', '<https://example.com/%3Cx%3E%7Cy|la¦bel>'],
  ])('a link to %j is %j', (url, expected) => {
    expect(link(url, 'la|bel').mrkdwn).toBe(expected);
  });

  test('a moment is shown in the reader’s time zone, with UTC to fall back on', () => {
    const date = new Date('2026-11-24T15:00:30Z');
    expect(moment(date).mrkdwn).toBe('<!date^1795532430^{date_short_pretty} at {time}|2026-11-24 15:00 UTC>');
  });

  test('a paragraph keeps its lines', () => {
    expect(paragraph('a <b>\r\nc  \n').mrkdwn).toBe('a &lt;b&gt;\nc');
  });
});

describe('cut', () => {
  test.each([
    ['abcde', 5, 'abcde'],
    ['abcdef', 5, 'abcd…'],
    ['🚨🚨🚨', 6, '🚨🚨🚨'],
    ['🚨🚨🚨', 5, '🚨🚨…'],
    ['🚨🚨🚨', 4, '🚨…'],
  ])('%j to %d characters is %j', (text, limit, expected) => {
    expect(cut(text, limit)).toBe(expected);
  });
});

describe('Slack’s limits', () => {
  const line = mrkdwn`${'x'.repeat(99)}`;

  test('fifty blocks stay; of fifty-one the last two become a line that says so', () => {
    expect(slackMessage(line, Array.from({ length: 50 }, divider)).blocks.at(-1)).toEqual(divider());
    const { blocks } = slackMessage(line, Array.from({ length: 51 }, divider));
    expect(blocks).toHaveLength(50);
    expect(JSON.stringify(blocks.at(-1))).toContain('… and 2 more parts');
  });

  test('ten fields stay; of eleven the last two become a field that says so', () => {
    expect(fields(...Array.from({ length: 10 }, () => line)).fields?.at(-1)?.text).toBe(line.mrkdwn);
    const cutFields = fields(...Array.from({ length: 11 }, () => line)).fields;
    expect(cutFields).toHaveLength(10);
    expect(cutFields?.at(-1)?.text).toContain('… and 2 more');
  });

  test('a text of 3,000 characters stays; a longer one is cut at a line, and says so', () => {
    const lines = Array.from({ length: 30 }, () => line);
    const fitting = section(...lines).text?.text ?? '';
    expect(fitting).toHaveLength(2_999);
    const over = section(...lines, line).text?.text ?? '';
    expect(over.length).toBeLessThanOrEqual(3_000);
    expect(over).toMatch(/x\n… cut here to Slack’s limit of 3000 characters$/);
  });

  test('a code block that is cut is closed, so that the notice is not inside it', () => {
    const { text } = section(mrkdwn`see`, codeBlock('&'.repeat(2_000)));
    expect(text?.text).toMatch(/&amp;\n```\n… cut here/);
  });

  test('whatever the values, Slack takes the message', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 60 }), (values) => {
        const lines = values.map((value) => mrkdwn`${value}`);
        const blocks = values.map((value) => section(paragraph(value, 5_000), code(value), codeBlock(value)));
        const message = slackMessage(lines[0] ?? line, [
          header(values[0] ?? ''),
          fields(...lines),
          context(...lines),
          section(link('https://a.example', values[0] ?? '')),
          ...blocks,
        ]);
        expectSlackTakes(message);
        expect(JSON.stringify(message)).not.toMatch(/<[!@#]|<https?:\/\/evil/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the checker of Block Kit’s rules', () => {
  const text = (value: string, type = 'mrkdwn') => ({ type, text: value });
  const button = { type: 'button', text: text('go', 'plain_text') };

  test.each([
    ['not an object', [], 'not an object'],
    ['no text and no blocks', {}, 'text is not a text'],
    ['no blocks', { blocks: [] }, 'blocks is empty'],
    ['51 blocks', { blocks: Array.from({ length: 51 }, divider) }, 'at most 50'],
    ['an unknown block', { blocks: [{ type: 'marquee' }] }, 'is not known'],
    ['a header in mrkdwn', { blocks: [{ type: 'header', text: text('x') }] }, 'must be plain_text'],
    ['a long header', { blocks: [{ type: 'header', text: text('x'.repeat(151), 'plain_text') }] }, 'at most 150'],
    ['an empty section', { blocks: [{ type: 'section' }] }, 'needs text or fields'],
    ['an empty text', { blocks: [{ type: 'section', text: text(' ') }] }, 'is empty'],
    ['a long text', { blocks: [{ type: 'section', text: text('x'.repeat(3_001)) }] }, 'at most 3000'],
    ['eleven fields', { blocks: [{ type: 'section', fields: Array(11).fill(text('x')) }] }, 'at most 10'],
    ['a long field', { blocks: [{ type: 'section', fields: [text('x'.repeat(2_001))] }] }, 'at most 2000'],
    ['half an emoji', { blocks: [{ type: 'section', text: text('\ud83d') }] }, 'half a character'],
    ['emoji in mrkdwn', { blocks: [{ type: 'section', text: { ...text('x'), emoji: true } }] }, 'plain_text only'],
    ['11 context elements', { blocks: [{ type: 'context', elements: Array(11).fill(text('x')) }] }, 'at most 10'],
    ['26 buttons', { blocks: [{ type: 'actions', elements: Array(26).fill(button) }] }, 'at most 25'],
    ['a button that is none', { blocks: [{ type: 'actions', elements: [text('x')] }] }, 'is not a button'],
    ['a bad URL', { blocks: [{ type: 'actions', elements: [{ ...button, url: 'x' }] }] }, 'is not a URL'],
    [
      'a long URL',
      { blocks: [{ type: 'actions', elements: [{ ...button, url: `https://a/${'x'.repeat(3_000)}` }] }] },
      '3000',
    ],
    [
      'an id twice',
      {
        blocks: [
          { type: 'divider', block_id: 'a' },
          { type: 'divider', block_id: 'a' },
        ],
      },
      'is repeated',
    ],
  ])('finds %s', (_, payload, fault) => {
    expect(blockKitFaults(payload).join()).toContain(fault);
  });
});
