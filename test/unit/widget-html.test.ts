import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { actionButton } from '../../lambdas/shared/cwdb-action.ts';
import { html, linkTo } from '../../lambdas/shared/html.ts';
import { widgetPage } from '../../lambdas/shared/widget-page.ts';
import { hostileText } from './hostile-text.ts';
import { hostileHtml } from './widget-builders.ts';

describe('html', () => {
  test('escapes every value, in text and in attributes of either quote', () => {
    const text = `<script>"'\`&`;
    expect(html`<p title="${text}">${text}</p>`.html).toBe(
      '<p title="&#60;script&#62;&#34;&#39;&#96;&#38;">&#60;script&#62;&#34;&#39;&#96;&#38;</p>',
    );
  });

  test('puts what is HTML already in as it is, alone or as a list', () => {
    const part = html`<b>${'<'}</b>`;
    expect(html`${part}${[part, part]}${7}`.html).toBe('<b>&#60;</b><b>&#60;</b><b>&#60;</b>7');
  });

  test('shows one short line of visible characters, whatever the value', () => {
    fc.assert(
      fc.property(fc.oneof(hostileText, hostileHtml), (text) => {
        const { html: shown } = html`${text}`;
        expect(shown).not.toMatch(/[<>"'`\n\u202e]/);
        expect(shown).not.toContain('\0');
        expect(shown.isWellFormed()).toBe(true);
        expect(shown.length).toBeLessThan(2_000);
      }),
    );
  });
});

describe('a link', () => {
  test('goes to a web page, in a new tab that does not know where it came from', () => {
    expect(linkTo('https://example.com/runbook.md#a"b', 'the <runbook>').html).toBe(
      '<a href="https://example.com/runbook.md#a%22b" target="_blank" rel="noreferrer">the &#60;runbook&#62;</a>',
    );
  });

  test.each([['javascript:alert(1)'], ['data:text/html,x'], ['docs/runbook.md'], [undefined]])(
    'is only its label where the address is %j',
    (url) => {
      expect(linkTo(url, 'runbook').html).toBe('runbook');
    },
  );
});

describe('a button', () => {
  const ENDPOINT = 'arn:aws:lambda:us-east-1:1:function:act:live';

  test('is a link that CloudWatch draws as a button, and the action after it', () => {
    const { html: shown } = actionButton({
      label: 'Recover now',
      spoken: 'Recover now: job 7',
      endpoint: ENDPOINT,
      params: { action: 'recover', jobId: '7' },
      confirmation: 'Recover job 7?',
      isPrimary: true,
    });
    expect(shown).toBe(
      '<a class="btn btn-primary" aria-label="Recover now: job 7">Recover now</a>' +
        `<cwdb-action action="call" display="popup" endpoint="${ENDPOINT}" confirmation="Recover job 7?">` +
        '{"action":"recover","jobId":"7"}</cwdb-action>',
    );
  });

  test('holds JSON that cannot end its element, and is the same whether it is read as HTML or not', () => {
    fc.assert(
      fc.property(fc.oneof(hostileText, hostileHtml), (text) => {
        const { html: shown } = actionButton({ label: text, endpoint: text, params: { text }, confirmation: text });
        const json = /<cwdb-action[^>]*>(.*)<\/cwdb-action>$/s.exec(shown)?.[1] ?? '';
        expect(json).not.toMatch(/[<>&]/);
        expect(JSON.parse(json)).toEqual({ text });
        expect(shown.match(/<[a-z/]/g)).toEqual(['<a', '</', '<c', '</']);
      }),
    );
  });
});

describe('a widget', () => {
  test.each(['light', 'dark'] as const)('has the colours of the %s theme, and no others', (theme) => {
    const other = theme === 'light' ? 'dark' : 'light';
    const page = widgetPage(theme, html`<p>x</p>`);
    expect(page).toContain(`<div class="qk-${theme}">`);
    expect(page).not.toContain(`qk-${other}`);
  });

  test.each([
    ['light', '#ffffff'],
    ['dark', '#161d26'],
  ] as const)('can be read on the background of the %s theme', (theme, background) => {
    const colours = [...widgetPage(theme).matchAll(/[{;]color:(#[0-9a-f]{6})/g)].map(([, colour]) => colour as string);
    expect(colours.length).toBeGreaterThanOrEqual(5);
    for (const colour of colours) expect(contrast(colour, background)).toBeGreaterThanOrEqual(4.5);
  });
});

/** As WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
