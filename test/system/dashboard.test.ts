import { GetQueueAttributesCommand, PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Browser, Page } from 'puppeteer-core';
import { type LocalSystem, startSystem } from '../../local/system.ts';
import { openBrowser, shownText, untilShown, widgetTitled } from './browser.ts';

let system: LocalSystem;
let database: pg.Client;
let sqs: SQSClient;
let browser: Browser;
let page: Page;
let faults: string[];
const lines: string[] = [];

beforeAll(async () => {
  system = await startSystem({
    schedules: false,
    onLine: (name, line) => name === 'dashboard-action' && lines.push(line),
  });
  database = new pg.Client({ connectionString: system.databaseUrl });
  await database.connect();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
  browser = await openBrowser();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  sqs?.destroy();
  await database?.end();
  await system?.stop();
});

beforeEach(async () => {
  await database.query('delete from public.jobs');
  faults = [];
  page = await open();
});
afterEach(async () => {
  system.supabase.fault(undefined);
  await page.close();
  expect(faults).toEqual([]);
});

type OpenOptions = { readonly theme?: 'light' | 'dark'; readonly width?: number };

/** The dashboard in a page of its own; what its scripts or its policy complain of is a fault. */
async function open({ theme = 'light', width = 1_280 }: OpenOptions = {}): Promise<Page> {
  const opened = await browser.newPage();
  opened.on('pageerror', (error) => faults.push(String(error)));
  opened.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await opened.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  await opened.setViewport({ width, height: 1_000 });
  await opened.goto(`${system.apiUrl}/dashboard`);
  await opened.waitForFunction(() => !document.querySelector('[aria-busy=true]'), { timeout: 30_000 });
  return opened;
}

/** A job in progress that was last heard of that long ago. */
async function aJob(lastSign: string, customer = 'acme'): Promise<string> {
  const { rows } = await database.query(
    `insert into public.jobs (customer_id, package_size, status, lease, worker_id, started_at, updated_at, created_at)
     values ($1, 50, 'in_progress', 1, 'worker-7', now() - $2::interval, now() - $2::interval, now() - $2::interval)
     returning id`,
    [customer, lastSign],
  );
  return rows[0].id;
}

const statusOf = async (id: string) =>
  (await database.query('select status from public.jobs where id = $1', [id])).rows[0].status;

/** Presses a button as someone without a mouse does, as soon as it can be pressed. */
async function press(name: string, within = 'body'): Promise<void> {
  await focus(`${within} button`, name);
  await page.keyboard.press('Enter');
}

/** Types into a field as someone does who sees the cursor in it. */
async function type(text: string, field: string): Promise<void> {
  await focus(field);
  await page.keyboard.type(text);
}

/** Focuses the first element of that selector, and of that name, as soon as it takes the focus. */
async function focus(selector: string, name = ''): Promise<void> {
  // Found and focused in one turn of the page: a refresh in between would take the element away.
  const focusIt = (selector: string, name: string) => {
    const element = [...document.querySelectorAll<HTMLElement>(selector)].find(
      (one) => !name || one.getAttribute('aria-label')?.startsWith(name) || one.textContent === name,
    );
    element?.focus();
    return element !== undefined && document.activeElement === element;
  };
  await page.waitForFunction(focusIt, {}, selector, name).catch((cause) => {
    throw new Error(`There is no ${selector} "${name}" that takes the focus`, { cause });
  });
}

const focusedLabel = () =>
  page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');

describe('a stale job', () => {
  test('goes stale before our eyes, is previewed, recovered by its button, and is gone', async () => {
    const table = await widgetTitled(page, 'Stale jobs');
    await untilShown(page, table, 'No stale jobs.');

    const id = await aJob('9 minutes 58 seconds');
    await untilShown(page, table, '1 stale job');
    await untilShown(page, table, `${id} acme – worker-7`);

    await press('Preview', table);
    await untilShown(page, '#dialog', 'It would be put back to pending.');
    await page.keyboard.press('Escape');
    expect(await statusOf(id)).toBe('in_progress');

    await type('Ada', `${table} input[name=who]`);
    await press('Recover now', table);
    await untilShown(page, '#dialog-body', `Recover job ${id} now?`);
    await press('Cancel', '#dialog');
    expect(await statusOf(id)).toBe('in_progress');

    await press('Recover now', table);
    await press('Recover now', '#dialog');
    await untilShown(page, '#dialog', 'It is pending again. Its message goes out within 2 min.');
    expect(await shownText(page, '#announcements')).toContain('Done.');
    expect(await statusOf(id)).toBe('pending');
    await press('Close', '#dialog');

    await untilShown(page, table, 'No stale jobs.');
    await untilShown(page, await widgetTitled(page, 'Latest events'), 'recovery asked for');
    const { rows } = await database.query(
      `select details ->> 'requested_by' as by from public.queue_history where event = 'recovery_requested' and job_id = $1`,
      [id],
    );
    const by = 'Ada (dashboard queuekeeper-local, account 000000000000)';
    expect(rows).toEqual([{ by }]);
    const logged = lines.map((line) => JSON.parse(line));
    expect(logged).toMatchObject([
      { message: 'Action asked for', action: 'recover', job_id: id, requested_by: by },
      { message: 'Action done', summary: `job ${id}: requeue`, requested_by: by },
    ]);
  });

  test('that was recovered meanwhile is left alone, and that is said', async () => {
    const id = await aJob('1 hour');
    const table = await widgetTitled(page, 'Stale jobs');
    await untilShown(page, table, id);
    await press('Recover now', table);
    await database.query('select public.recover_stale_jobs()');
    await press('Recover now', '#dialog');
    await untilShown(page, '#dialog', `Nothing was done: job ${id} is not stale: it is pending.`);
    await press('Close', '#dialog');
  });

  test('gives the focus back to the button that was pressed', async () => {
    const id = await aJob('1 hour');
    const table = await widgetTitled(page, 'Stale jobs');
    await untilShown(page, table, id);
    await press('Preview', table);
    await untilShown(page, '#dialog', 'Nothing was changed.');
    expect(await focusedLabel()).toBe('Close');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label')?.startsWith('Preview'));
    expect(await focusedLabel()).toBe(`Preview the recovery of job ${id}`);
  });

  test('cannot run anything in the page, whatever its customer is called', async () => {
    const customer = '<img src=x onerror="window.hacked=1"></td><script>window.hacked=2</script>';
    await aJob('1 hour', customer);
    await untilShown(page, await widgetTitled(page, 'Stale jobs'), customer);
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
    expect(await page.$$('main img, main script')).toEqual([]);
  });
});

test('a dead letter is listed with its cause, and redriven by its button', async () => {
  const id = await aJob('1 minute');
  const body = JSON.stringify({ job_id: id, customer_id: 'acme', error: 'HTTP 503 from the directory' });
  await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: body }));
  await system.invoke('dlq-monitor');
  const table = await widgetTitled(page, 'Dead letters');
  await untilShown(page, table, `${id} acme HTTP 503 from the directory`);

  await press('Redrive, 1 a second', table);
  await press('Redrive, 1 a second', '#dialog');
  await untilShown(page, '#dialog', '1 message goes back to work, 1 a second.');
  await press('Close', '#dialog');
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: system.queueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  expect(Attributes).toEqual({ ApproximateNumberOfMessages: '1' });
  await untilShown(page, table, 'Latest redrive: completed, 1 of 1 moved');
});

test('a database that is down is said to be down, and that nothing is lost', async () => {
  system.supabase.fault(() => 'down');
  const table = await widgetTitled(page, 'Stale jobs');
  await untilShown(page, table, 'Stale jobs: not known now, for the database did not tell.');
  await untilShown(page, table, 'Nothing is lost meanwhile');
  system.supabase.fault(undefined);
  await untilShown(page, table, 'No stale jobs.');
});

describe('the page', () => {
  test.each([
    { width: 1_280, theme: 'light' },
    { width: 1_920, theme: 'dark' },
    { width: 400, theme: 'light' },
  ] as const)('fits $width pixels in the $theme theme, with rows in its tables', async (look) => {
    for (let job = 0; job < 3; job++) await aJob('1 hour', 'a-customer-whose-name-does-not-end'.repeat(3));
    const other = await open(look);
    await untilShown(other, await widgetTitled(other, 'Stale jobs'), '3 stale jobs');
    const tooWide = await other.evaluate(() => [
      ...(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []),
      ...[...document.querySelectorAll('.card')]
        .filter((card) => card.scrollWidth > card.clientWidth + 1)
        .map((card) => card.firstElementChild?.textContent),
    ]);
    expect(tooWide).toEqual([]);
    await other.close();
  });

  test('breaks no word of its tables at 1280 pixels', async () => {
    const id = await aJob('1 minute');
    const claim = 'select public.claim_job($1, $2)';
    const { rows } = await database.query<{ id: string }>(
      `insert into public.jobs (customer_id, package_size, status) values ('acme', 50, 'pending') returning id`,
    );
    await database.query(claim, [rows[0]?.id, 'submission-worker-eu-1']);
    await database.query(`select public.fail_job($1, 1, 'The directory answered HTTP 503', true)`, [rows[0]?.id]);
    await fetch(`${system.apiUrl}/api/health`);
    const body = JSON.stringify({ job_id: id, customer_id: 'acme', error: 'HTTP 503 from the directory' });
    await sqs.send(new SendMessageCommand({ QueueUrl: system.dlqUrl, MessageBody: body }));
    await system.invoke('dlq-monitor');
    await aJob('1 hour', 'Pine Street Cycles');
    await untilShown(page, await widgetTitled(page, 'Stale jobs'), '1 stale job');
    await untilShown(page, await widgetTitled(page, 'Dead letters'), '1 dead letter');
    await untilShown(page, await widgetTitled(page, 'Busiest callers'), 'GET /api/health');
    await untilShown(page, await widgetTitled(page, 'Latest events'), 'The directory answered HTTP 503');
    const broken = await page.evaluate(() => {
      const cells = [...document.querySelectorAll('.custom td, .custom th')];
      return cells.flatMap((cell) => {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        const found: string[] = [];
        for (let text = texts.nextNode(); text; text = texts.nextNode()) {
          for (const word of text.nodeValue?.matchAll(/[^\s-]+/g) ?? []) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            if (range.getClientRects().length > 1) found.push(word[0]);
          }
        }
        return found;
      });
    });
    expect(broken).toEqual([]);
    const cut = await page.$$eval('.custom .body', (bodies) =>
      bodies.filter((body) => body.scrollWidth > body.clientWidth).map((body) => body.id),
    );
    expect(cut).toEqual([]);
    await sqs.send(new PurgeQueueCommand({ QueueUrl: system.dlqUrl }));
  });

  test('follows the theme of the system, in the tables of the functions too', async () => {
    const looks: string[] = [];
    for (const theme of ['light', 'dark'] as const) {
      const other = await open({ theme });
      const table = await widgetTitled(other, 'Stale jobs');
      expect(await other.$(`${table} .qk-${theme}`)).not.toBeNull();
      looks.push(await other.$eval('.card', (card) => getComputedStyle(card).backgroundColor));
      await other.close();
    }
    expect(looks).toEqual(['rgb(255, 255, 255)', 'rgb(22, 29, 38)']);
  });

  test('names every button, chart and table for those who listen', async () => {
    await aJob('1 hour');
    await untilShown(page, await widgetTitled(page, 'Stale jobs'), '1 stale job');
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, [role=img], section, dialog, input')]
        .filter((one) => {
          const labelledBy = document.getElementById(one.getAttribute('aria-labelledby') ?? '');
          const name =
            one.getAttribute('aria-label') || labelledBy || one.closest('label')?.textContent || one.textContent;
          return !name;
        })
        .map((one) => one.outerHTML),
    );
    expect(nameless).toEqual([]);
    // CloudWatch's links without an address have become buttons that a keyboard reaches.
    expect(await page.$$('a.btn')).toEqual([]);
  });

  test('shows every alarm of the template that reaches people, and a change of one', async () => {
    const alarms = await widgetTitled(page, 'Alarms: all green is all right');
    expect(await page.$$(`${alarms} li`)).toHaveLength(
      system.plan.alarms.filter(({ properties }) => properties['AlarmActions']).length,
    );
    system.alarms.set('queuekeeper-local-dead-letters', 'ALARM', 'Set by a test');
    await untilShown(page, alarms, 'dead-letters In alarm Messages failed every attempt');
    await untilShown(page, '#announcements', '1 alarm');
    expect(await shownText(page, '#announcements')).toBe('1 alarm');
    system.alarms.set('queuekeeper-local-dead-letters', 'OK', 'Set by a test');
    await untilShown(page, alarms, 'No alarm');
  });

  test('draws what the functions measured', async () => {
    await aJob('1 hour');
    await system.invoke('stale-job-monitor');
    const chart = await widgetTitled(page, 'Stale jobs, and what became of them');
    await untilShown(page, `${chart} .legend`, 'Stale 1 Recovered 1 Failed for good 0');
    expect(await page.$$(`${chart} circle`)).not.toEqual([]);
    await untilShown(page, await widgetTitled(page, 'Is it all right? The last 5 minutes'), 'Stale jobs 1');
  });
});

describe('its functions', () => {
  const post = (headers: Record<string, string>, body: object) =>
    fetch(`${system.apiUrl}/dashboard/call`, { method: 'POST', headers, body: JSON.stringify(body) });
  const json = { 'content-type': 'application/json' };
  const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:queuekeeper-local-${name}:live`;

  test('are called by the dashboard alone: no other site can press its buttons', async () => {
    const body = { endpoint: arnOf('dashboard-action'), event: { action: 'redrive', perSecond: 1 } };
    expect((await post({ ...json, origin: 'https://evil.example' }, body)).status).toBe(403);
    expect((await post({ 'content-type': 'text/plain' }, body)).status).toBe(403);
    expect((await post({ ...json, origin: system.apiUrl }, body)).status).toBe(200);
  });

  test('are the two of the dashboard, and no others', async () => {
    expect((await post(json, { endpoint: arnOf('stale-job-monitor'), event: {} })).status).toBe(404);
    expect((await post(json, { endpoint: 'nobody', event: {} })).status).toBe(404);
  });

  test('describe themselves to those who add them to a dashboard', async () => {
    for (const name of ['dashboard-widget', 'dashboard-action']) {
      const answer = await post(json, { endpoint: arnOf(name), event: { describe: true } });
      expect(await answer.text()).toMatch(/^## Queuekeeper\n/);
    }
  });

  test('answer with 10,000 stale jobs, in a page of a size that CloudWatch shows', async () => {
    await database.query(
      `insert into public.jobs (customer_id, package_size, status, lease, started_at, updated_at, created_at)
       select 'acme', 50, 'in_progress', 1, t, t, t from generate_series(1, 10000), (select now() - interval '1 hour') o (t)`,
    );
    const answer = await post(json, { endpoint: arnOf('dashboard-widget'), event: { view: 'stale-jobs' } });
    const page = await answer.text();
    expect(page).toContain('10000 stale jobs');
    expect(page).toContain('The 50 longest stale are shown, of 10000.');
    expect(page.length).toBeLessThan(200_000);
  });
});
