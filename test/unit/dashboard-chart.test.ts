import { get } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { serveAbout } from '../../local/about.ts';
import { chart } from '../../local/dashboard/chart.ts';
import { isOwnPage } from '../../local/dashboard/own-page.ts';
import { type MetricWidget, planDashboard } from '../../local/dashboard/plan.ts';
import { niceScale, shortNumber } from '../../local/dashboard/scale.ts';
import { seriesOf } from '../../local/dashboard/values.ts';
import { startFrontDoor } from '../../local/front-door.ts';
import { createMetrics } from '../../local/metrics.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

const bodyOf = (...widgets: object[]) =>
  [['Dashboard', { DashboardName: 'queuekeeper-local', DashboardBody: JSON.stringify({ widgets }) }]] as const;
const place = { x: 0, y: 0, width: 8, height: 6 };

function aMetricWidget(metrics: unknown[][], properties: object = {}): MetricWidget {
  const dashboard = planDashboard(
    bodyOf({ ...place, type: 'metric', properties: { title: 'T', metrics, ...properties } }),
  );
  return dashboard?.widgets[0] as MetricWidget;
}

describe('the plan of a dashboard', () => {
  test('is read from the template, and nothing where there is none', () => {
    const widgets = [
      { ...place, type: 'text', properties: { markdown: '## The API' } },
      { ...place, type: 'alarm', properties: { title: 'Alarms', alarms: ['arn'] } },
      { ...place, type: 'custom', properties: { title: 'Table', endpoint: 'arn:f', params: { view: 'events' } } },
    ];
    expect(planDashboard(bodyOf(...widgets))).toEqual({
      name: 'queuekeeper-local',
      widgets: [
        { id: 'widget-0', x: 0, y: 0, width: 8, type: 'text', markdown: '## The API' },
        { id: 'widget-1', x: 0, y: 0, width: 8, type: 'alarm', title: 'Alarms', alarms: ['arn'] },
        {
          id: 'widget-2',
          x: 0,
          y: 0,
          width: 8,
          type: 'custom',
          title: 'Table',
          endpoint: 'arn:f',
          params: { view: 'events' },
        },
      ],
    });
    expect(planDashboard([])).toBeUndefined();
  });

  test('is an error that names a widget or a view that is not understood', () => {
    expect(() => planDashboard(bodyOf({ ...place, type: 'explorer', properties: {} }))).toThrow(
      'widgets of type explorer',
    );
    expect(() => aMetricWidget([], { view: 'pie' })).toThrow('T: the local dashboard does not understand the view pie');
  });
});

describe('the values of a chart', () => {
  const metrics = createMetrics(60 * MINUTE);
  const sample = (name: string, value: number, minutesAgo: number) =>
    metrics.add({ namespace: 'Q', name, dimensions: { stage: 'local' }, value, at: NOW - minutesAgo * MINUTE });
  sample('Jobs', 3, 4);
  sample('Jobs', 5, 3);
  sample('Jobs', 1, 9);
  const jobs = (options: object) => ['Q', 'Jobs', 'stage', 'local', options];
  const span = { from: NOW - 10 * MINUTE, to: NOW, steps: 2 };

  test('are the statistic of the period that ends with each point', () => {
    const widget = aMetricWidget([jobs({ stat: 'Sum', label: 'Jobs' }), jobs({ stat: 'Maximum', label: 'Most' })], {
      period: 300,
    });
    expect(seriesOf(widget, metrics, span, 1)).toEqual([
      {
        label: 'Jobs',
        points: [
          { at: NOW - 5 * MINUTE, value: 1 },
          { at: NOW, value: 8 },
        ],
      },
      {
        label: 'Most',
        points: [
          { at: NOW - 5 * MINUTE, value: 1 },
          { at: NOW, value: 5 },
        ],
      },
    ]);
  });

  test('come from an expression over metrics that are not shown themselves', () => {
    const widget = aMetricWidget([
      [{ expression: 'jobs * 2', label: 'Double' }],
      jobs({ id: 'jobs', stat: 'Sum', visible: false }),
    ]);
    expect(seriesOf(widget, metrics, { ...span, steps: 1 }, 1)).toEqual([
      { label: 'Double', points: [{ at: NOW, value: 16 }] },
    ]);
  });

  test('are missing where nothing was measured, and periods are shorter where time runs faster', () => {
    const widget = aMetricWidget([jobs({ stat: 'Sum', label: 'Jobs' })]);
    expect(seriesOf(widget, metrics, { ...span, steps: 1 }, 5)[0]?.points).toEqual([{ at: NOW, value: undefined }]);
  });
});

describe('a chart', () => {
  const options = { title: 'Jobs <b>', annotations: [], from: NOW - 10 * MINUTE, to: NOW, width: 400 };
  const point = (minutesAgo: number, value: number | undefined) => ({ at: NOW - minutesAgo * MINUTE, value });

  test('breaks its line where values are missing, and marks every point', () => {
    const points = [point(9, 1), point(8, 2), point(7, undefined), point(6, 3)];
    const { html } = chart({ ...options, series: [{ label: 'Stale', points }] });
    expect(html.match(/<polyline/g)).toHaveLength(2);
    expect(html.match(/<circle/g)).toHaveLength(3);
  });

  test('tells its newest values to those who do not see it', () => {
    const series = [
      { label: 'Stale', points: [point(5, 9), point(0, 2)] },
      { label: 'Late', points: [point(0, undefined)] },
    ];
    expect(chart({ ...options, series }).html).toContain(
      'role="img" aria-label="Jobs &#60;b&#62;. Now: Stale 2, Late no data"',
    );
  });

  test('draws the threshold of an alarm inside of its axis, though no value comes near it', () => {
    const { html } = chart({ ...options, series: [], annotations: [{ value: 72, label: 'alarm below 3 days' }] });
    const y = Number(/class="annotation" x1="44" x2="390" y1="([\d.]+)"/.exec(html)?.[1]);
    expect(y).toBeGreaterThan(17);
    expect(y).toBeLessThan(80);
    expect(html).toContain('>alarm below 3 days</text>');
    expect(html).toContain('No data yet');
  });
});

test.each([
  [0, { end: 1, step: 0.25 }],
  [1, { end: 1, step: 0.25 }],
  [3, { end: 3, step: 1 }],
  [72, { end: 80, step: 20 }],
  [1_743, { end: 2_000, step: 500 }],
])('an axis up to %d ends at a round number with round steps', (largest, scale) => {
  expect(niceScale(largest)).toEqual(scale);
});

test.each([
  [0, '0'],
  [0.123_4, '0.123'],
  [99.9, '99.9'],
  [1_743.2, '1743'],
  [25_300, '25.3k'],
  [3_000_000, '3M'],
])('%d is written %s', (value, text) => {
  expect(shortNumber(value)).toBe(text);
});

describe('a call of a function', () => {
  const json = 'application/json';

  test.each([
    ['127.0.0.1:3000', undefined],
    ['localhost:3000', 'http://localhost:3000'],
    ['[::1]:3000', 'http://[::1]:3000'],
  ])('from %s with the origin %j is our own', (host, origin) => {
    expect(isOwnPage({ headers: { host, origin, 'content-type': json } })).toBe(true);
  });

  test.each([
    ['localhost:3000', 'https://evil.example', json],
    ['localhost:3000', 'null', json],
    ['localhost:3000', 'http://localhost:4000', json],
    ['evil.example:3000', 'http://evil.example:3000', json],
    ['localhost:3000', undefined, 'text/plain'],
    ['localhost:3000', undefined, undefined],
  ])('from %s with the origin %j as %j is not', (host, origin, type) => {
    expect(isOwnPage({ headers: { host, origin, 'content-type': type } })).toBe(false);
  });
});

describe('the page with the keys', () => {
  test.each([
    ['localhost:3000', 200],
    ['127.0.0.1:3000', 200],
    ['rebound.example:3000', 403],
    ['localhost.evil.example', 403],
  ])('asked for at %s is answered with %i', async (host, status) => {
    const door = await startFrontDoor(0);
    door.route('/about', serveAbout([['Secret key', 'sb_secret_local']]));
    try {
      const answer = await new Promise<{ status?: number; body: string }>((resolve, reject) => {
        get(`${door.origin}/about`, { headers: { host } }, async (response) => {
          resolve({ status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() });
        }).once('error', reject);
      });
      expect(answer.status).toBe(status);
      expect(answer.body.includes('sb_secret_local')).toBe(status === 200);
    } finally {
      await door.stop();
    }
  });
});
