import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requestedBy } from '../../lambdas/dashboard-action/requested-by.ts';
import { readWidgetEvent } from '../../lambdas/shared/widget-event.ts';
import { hostileText } from './hostile-text.ts';

const START = Date.parse('2026-11-24T15:00:00Z');
const END = Date.parse('2026-11-24T18:00:00Z');
const rangeOf = (timeRange: object) => readWidgetEvent({ widgetContext: { timeRange } }).range;

describe('the event of a widget', () => {
  test('holds the parameters, the theme, the form, and where it was asked from', () => {
    const event = {
      view: 'events',
      widgetContext: {
        dashboardName: 'queuekeeper-prod',
        accountId: '123456789012',
        theme: 'dark',
        forms: { all: { who: 'Ada' } },
      },
    };
    expect(readWidgetEvent(event)).toEqual({
      isDescribe: false,
      params: { view: 'events' },
      theme: 'dark',
      range: { since: undefined, until: undefined },
      form: { who: 'Ada' },
      dashboard: 'queuekeeper-prod',
      account: '123456789012',
    });
  });

  test('asks for the documentation with describe, and with nothing else', () => {
    expect(readWidgetEvent({ describe: true }).isDescribe).toBe(true);
    expect(readWidgetEvent({ describe: 'no' }).isDescribe).toBe(false);
  });

  test('ends now where the time range is relative, and where it says otherwise', () => {
    expect(rangeOf({ mode: 'relative', start: START, end: END })).toEqual({ since: new Date(START), until: undefined });
    expect(rangeOf({ mode: 'absolute', start: START, end: END })).toEqual({
      since: new Date(START),
      until: new Date(END),
    });
  });

  test('keeps to the part that is zoomed into', () => {
    const zoom = { start: START + 1, end: END - 1 };
    expect(rangeOf({ mode: 'relative', start: START, end: END, zoom })).toEqual({
      since: new Date(START + 1),
      until: new Date(END - 1),
    });
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [7],
    [[]],
    [{ widgetContext: 'x' }],
    [{ widgetContext: { timeRange: { start: 'x' } } }],
  ])('is read whatever it is: %j', (event) => {
    expect(readWidgetEvent(event)).toMatchObject({ theme: 'light', range: {}, form: {}, dashboard: '', account: '' });
  });
});

describe('who asks', () => {
  test('is the name that was typed, and from where', () => {
    const widgetContext = {
      dashboardName: 'queuekeeper-prod',
      accountId: '123456789012',
      forms: { all: { who: ' Ada ' } },
    };
    expect(requestedBy(readWidgetEvent({ widgetContext }))).toBe(
      'Ada (dashboard queuekeeper-prod, account 123456789012)',
    );
  });

  test('is said to be not known where it is not', () => {
    expect(requestedBy(readWidgetEvent({}))).toBe('someone without a name (dashboard not named, account not known)');
  });

  test('fits the database, whatever is typed', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const widgetContext = { dashboardName: text, accountId: text, forms: { all: { who: text } } };
        const who = requestedBy(readWidgetEvent({ widgetContext }));
        expect(who.length).toBeGreaterThan(0);
        expect([...who].length).toBeLessThanOrEqual(200);
        expect(who).not.toContain('\0');
        expect(who).not.toContain('\n');
        expect(who.isWellFormed()).toBe(true);
      }),
    );
  });
});
