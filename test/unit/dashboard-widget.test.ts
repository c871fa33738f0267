import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { callers } from '../../lambdas/dashboard-widget/callers.ts';
import type { DeadLetterSource } from '../../lambdas/dashboard-widget/dead-letter-source.ts';
import { deadLetters } from '../../lambdas/dashboard-widget/dead-letters.ts';
import { WIDGETS } from '../../lambdas/dashboard-widget/env.ts';
import { events } from '../../lambdas/dashboard-widget/events.ts';
import { preview } from '../../lambdas/dashboard-widget/preview.ts';
import { describe as documentation, show } from '../../lambdas/dashboard-widget/show.ts';
import { staleJobs } from '../../lambdas/dashboard-widget/stale-jobs.ts';
import type { Sources } from '../../lambdas/dashboard-widget/view.ts';
import { type Database, DatabaseError } from '../../lambdas/shared/database.ts';
import { hostileText } from './hostile-text.ts';
import { aCaller, aFrame, anOpenLetter, aQueueEvent, aStaleJob, hostileHtml, minutesAgo } from './widget-builders.ts';

const JOB = '00000000-0000-4000-8000-000000000007';
const QUEUE = { visible: 3, hidden: 0 };

type Call = readonly [name: string, args: Record<string, unknown> | undefined];

/** A database that answers each function with a value or an error, and remembers what it was asked. */
function aDatabase(answers: Record<string, unknown>): { database: Database; calls: Call[] } {
  const calls: Call[] = [];
  const database: Database = {
    async call<T>(name: string, args?: Record<string, unknown>) {
      calls.push([name, args]);
      const answer = answers[name];
      if (answer instanceof Error) throw answer;
      return answer as T;
    },
  };
  return { database, calls };
}

function sourcesOf(answers: Record<string, unknown>, queue: Partial<DeadLetterSource> = {}) {
  const { database, calls } = aDatabase(answers);
  const sources: Sources = {
    openDatabase: async () => database,
    deadLetterQueue: { name: 'dead', read: async () => QUEUE, ...queue },
    staleThresholdMinutes: 10,
    rateLimit: { requests: 100, windowMs: 60_000 },
  };
  return { sources, calls };
}

/** What a person reads, without the markup. */
const textOf = (page: string) =>
  page
    .replace(/<style>.*?<\/style>|<cwdb-action.*?<\/cwdb-action>/gs, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const down = new DatabaseError('list_stale_jobs: no answer: fetch failed', 0);

describe('the stale jobs', () => {
  const rendered = (jobs = [aStaleJob()], stale = jobs.length) => staleJobs.render({ stale, jobs }, aFrame()).html;

  test('are a row each: job, customer, type, worker, since when, why, and how often recovered', () => {
    expect(textOf(rendered())).toContain(
      `${JOB} acme submit worker-7 12 min ago its worker stopped beating 1 of 3 Preview Recover now`,
    );
  });

  test('can be previewed by the function that reads, and recovered by the one that acts, after a question', () => {
    const page = rendered();
    expect(page).toContain(
      `display="popup" endpoint="arn:aws:lambda:us-east-1:1:function:read:live">{"view":"preview","jobId":"${JOB}"}`,
    );
    expect(page).toMatch(
      new RegExp(
        `endpoint="[^"]*:act:live" confirmation="Recover job ${JOB} now\\? [^"]+">{"action":"recover","jobId":"${JOB}"}`,
      ),
    );
  });

  test('on hold are released, after a question of its own', () => {
    const page = rendered([aStaleJob({ held_at: minutesAgo(5) })]);
    expect(textOf(page)).toContain('on hold , a person decides 1 of 3 Preview Release');
    expect(page).toContain('be sure that it has not done its work already');
  });

  test('are good news when there are none', () => {
    expect(textOf(rendered([]))).toMatch(/^No stale jobs\./);
    expect(rendered([])).not.toContain('cwdb-action');
  });

  test('are counted whole where only the first are shown, and the answer stays small with 10,000 of them', async () => {
    const jobs = Array.from({ length: 50 }, () => aStaleJob({ customer_id: 'c'.repeat(5_000) }));
    const { sources, calls } = sourcesOf({ list_stale_jobs: { stale: 10_000, jobs } });
    const page = await show(sources, aFrame({ view: 'stale-jobs' }), () => {});
    expect(calls).toEqual([['list_stale_jobs', { threshold_minutes: 10, row_limit: 50 }]]);
    expect(textOf(page)).toContain('10000 stale jobs');
    expect(textOf(page)).toContain('The 50 longest stale are shown, of 10000.');
    expect(page.length).toBeLessThan(200_000);
  });

  test('keep the name that was typed', () => {
    const frame = aFrame({ widgetContext: { forms: { all: { who: 'Ada "L"' } } } });
    expect(staleJobs.render({ stale: 1, jobs: [aStaleJob()] }, frame).html).toContain(
      'name="who" value="Ada &#34;L&#34;"',
    );
  });
});

describe('the dead letters', () => {
  const rendered = (data: Partial<Parameters<typeof deadLetters.render>[0]> = {}) =>
    deadLetters.render({ queue: QUEUE, letters: [anOpenLetter()], problems: [], ...data }, aFrame()).html;

  test('are a row each: job, customer, cause, attempts, age, and what time is left', () => {
    expect(textOf(rendered())).toContain(`${JOB} acme HTTP 503 from the directory 5 1 h ago 13 d`);
  });

  test('are redriven one a second first, or ten, each after a question', () => {
    const page = rendered();
    expect(page).toMatch(/confirmation="[^"]+">{"action":"redrive","perSecond":1}/);
    expect(page).toMatch(/confirmation="[^"]+">{"action":"redrive","perSecond":10}/);
  });

  test('are louder in their last three days', () => {
    expect(rendered({ letters: [anOpenLetter({ expires_at: minutesAgo(-4_321) })] })).not.toContain(
      '<span class="qk-bad"><time',
    );
    expect(rendered({ letters: [anOpenLetter({ expires_at: minutesAgo(-4_319) })] })).toContain(
      '<span class="qk-bad"><time',
    );
  });

  test('show a running redrive with a button that stops it, and none that begins another', () => {
    const redrive = { status: 'RUNNING', moved: 2, total: 9, startedAt: new Date(minutesAgo(1)), handle: 'h' };
    const page = rendered({ queue: { ...QUEUE, redrive } });
    expect(textOf(page)).toContain('Latest redrive: running, 2 of 9 moved, begun 1 min ago');
    expect(page).toContain('{"action":"stop"}');
    expect(page).not.toContain('"action":"redrive"');
  });

  test('say why a redrive failed', () => {
    const redrive = { status: 'FAILED', moved: 0, failure: 'AccessDenied <b>' };
    expect(rendered({ queue: { ...QUEUE, redrive } })).toContain('failed: AccessDenied &#60;b&#62;');
  });

  test('cannot be redriven when there are none', () => {
    const page = rendered({ queue: { visible: 0, hidden: 0 }, letters: [] });
    expect(textOf(page)).toBe('No dead letters.');
    expect(page).not.toContain('cwdb-action');
  });

  test('show no secret and no e-mail address of a reason', () => {
    const page = rendered({ letters: [anOpenLetter({ reason: 'password=hunter2 for ada@example.com' })] });
    expect(page).not.toMatch(/hunter2|ada@example/);
  });

  test('are counted by SQS while the database is down, and can be redriven', async () => {
    const { sources } = sourcesOf({ open_dead_letters: down });
    const page = await show(sources, aFrame({ view: 'dead-letters' }), () => {});
    expect(textOf(page)).toContain('3 dead letters');
    expect(textOf(page)).toContain('The database: list_stale_jobs: no answer: fetch failed');
    expect(page).toContain('"action":"redrive"');
  });

  test('are listed from the database while SQS is down', async () => {
    const read = () => Promise.reject(new Error('ENOTFOUND sqs'));
    const { sources, calls } = sourcesOf({ open_dead_letters: [anOpenLetter()] }, { read });
    const page = await show(sources, aFrame({ view: 'dead-letters' }), () => {});
    expect(calls).toEqual([['open_dead_letters', { queue_name: 'dead', row_limit: 51 }]]);
    expect(textOf(page)).toContain('How many there are is not known');
    expect(textOf(page)).toContain('SQS: ENOTFOUND sqs');
    expect(textOf(page)).toContain('HTTP 503 from the directory');
  });
});

describe('the busiest callers', () => {
  test('are a row each, with who is limited and who is near it, from 80 % on', () => {
    const rows = [
      aCaller({ is_limited: true, requests_in_window: 100 }),
      aCaller({ requests_in_window: 80 }),
      aCaller({ requests_in_window: 79 }),
    ];
    const text = textOf(callers.render(rows, aFrame()).html);
    expect(text).toContain('1 of the busiest at the limit now');
    expect(text).toContain('500 100 of 100 0 s ago limited');
    expect(text).toContain('500 80 of 100 0 s ago near the limit');
    expect(text.match(/near the limit/g)).toHaveLength(1);
  });

  test('are asked for from the beginning of the time range of the dashboard', async () => {
    const { sources, calls } = sourcesOf({ busiest_callers: [] });
    const timeRange = { mode: 'relative', start: Date.parse(minutesAgo(180)), end: Date.parse(minutesAgo(0)) };
    const page = await show(sources, aFrame({ view: 'callers', widgetContext: { timeRange } }), () => {});
    expect(calls).toEqual([
      ['busiest_callers', { row_limit: 10, since: minutesAgo(180), max_requests: 100, window_ms: 60_000 }],
    ]);
    expect(textOf(page)).toContain('No requests in the last 3 h.');
  });
});

describe('the latest events', () => {
  test('are a row each, in plain words, without what says nothing', () => {
    expect(textOf(events.render([aQueueEvent()], aFrame()).html)).toContain(
      `3 min ago recovered: pending again ${JOB.slice(0, 8)} worker-7 reason: heartbeat_lost · lease_before: 4`,
    );
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'are shown by their own name where we have no words: %s',
    (event) => {
      expect(textOf(events.render([aQueueEvent({ event })], aFrame()).html)).toContain(`3 min ago ${event} `);
    },
  );

  test.each([[null], ['text'], [7], [{}]])('are shown whatever their details are: %j', (details) => {
    expect(textOf(events.render([aQueueEvent({ details })], aFrame()).html)).toContain('recovered: pending again');
  });

  test('are asked for in a time range that ended, to its end', async () => {
    const { sources, calls } = sourcesOf({ recent_events: [] });
    const timeRange = { mode: 'absolute', start: Date.parse(minutesAgo(60)), end: Date.parse(minutesAgo(30)) };
    const page = await show(sources, aFrame({ view: 'events', widgetContext: { timeRange } }), () => {});
    expect(calls).toEqual([['recent_events', { row_limit: 20, since: minutesAgo(60), until: minutesAgo(30) }]]);
    expect(textOf(page)).toContain('Nothing happened from 2026-11-24 17:00 UTC to 2026-11-24 17:30 UTC.');
  });
});

describe('a preview', () => {
  const recovery = { job_id: JOB, action: 'requeue', lease_before: 4, lease_after: 5, recoveries: 1 };

  test('asks for a dry run and says what would come of it', async () => {
    const { sources, calls } = sourcesOf({ recover_stale_job: recovery });
    const page = await show(sources, aFrame({ view: 'preview', jobId: JOB }), () => {});
    expect(calls).toEqual([
      ['recover_stale_job', expect.objectContaining({ job_id: JOB, dry_run: true, threshold_minutes: 10 })],
    ]);
    expect(textOf(page)).toContain('It would be put back to pending. Its message would go out within 2 min.');
    expect(textOf(page)).toContain('Nothing was changed.');
  });

  test('says that a job is not stale, in the words of the database', async () => {
    const cause = { message: `job ${JOB} is not stale: it is pending`, code: 'PT409' };
    const { sources } = sourcesOf({ recover_stale_job: new DatabaseError('…', 409, { cause }) });
    const page = await show(sources, aFrame({ view: 'preview', jobId: JOB }), () => {});
    expect(textOf(page)).toContain(`It would not be recovered: job ${JOB} is not stale: it is pending.`);
  });

  test('asks the database nothing for what is no job', async () => {
    const { sources, calls } = sourcesOf({});
    await show(sources, aFrame({ view: 'preview', jobId: `${JOB}' or true` }), () => {});
    expect(calls).toEqual([]);
  });
});

describe('any view', () => {
  test.each(['stale-jobs', 'callers', 'events', 'preview'])(
    '%s says so when the database is down, and what to do',
    async (view) => {
      const warnings: string[] = [];
      const answers = { list_stale_jobs: down, busiest_callers: down, recent_events: down, recover_stale_job: down };
      const page = await show(sourcesOf(answers).sources, aFrame({ view, jobId: JOB }), (text) => warnings.push(text));
      expect(textOf(page)).toContain('not known now, for the database did not tell');
      expect(textOf(page)).toContain('Nothing is lost meanwhile');
      expect(page).toContain('href="https://example.com/runbook.md#database-down"');
      expect(warnings).toEqual([expect.stringContaining('no answer: fetch failed')]);
    },
  );

  test('says so when the key cannot be read', async () => {
    const sources = { ...sourcesOf({}).sources, openDatabase: () => Promise.reject(new Error('no such parameter')) };
    expect(textOf(await show(sources, aFrame({ view: 'events' }), () => {}))).toContain('no such parameter');
  });

  test.each([['nobody'], ['constructor'], [undefined]])('that is not there is named: %j', async (view) => {
    const page = await show(sourcesOf({}).sources, aFrame({ view }), () => {});
    expect(textOf(page)).toContain(`The view is “${view ?? ''}”, wanted one of: stale-jobs, dead-letters`);
  });

  test('has its documentation, and the dashboard shows none that has not', () => {
    for (const view of WIDGETS) expect(documentation()).toContain(`\`view: ${view}\``);
  });

  test('lets no value become markup, whatever is in the database', () => {
    const hostile = fc.oneof(hostileHtml, hostileText);
    const frame = (text: string) =>
      aFrame(
        { widgetContext: { forms: { all: { who: text } }, theme: 'dark' } },
        { runbookUrl: text, readArn: text, actArn: text },
      );
    /** The same with a harmless value: the elements must be the same ones. */
    const elements = (page: string) => page.match(/<\/?[a-z-]+/g)?.filter((tag) => !/^<\/?a$/.test(tag));
    const render = (text: string) => {
      const job = aStaleJob({
        id: text,
        customer_id: text,
        job_type: text,
        worker_id: text,
        reason: text,
        stale_since: text,
      });
      const letter = anOpenLetter({ job_id: text, customer_id: text, reason: `r${text}`, sent_at: text });
      const redrive = { status: text, moved: 1, failure: `f${text}` };
      const one = aQueueEvent({
        event: text,
        job_id: text,
        worker_id: text,
        details: { [text || 'x']: text, more: [text] },
        created_at: text,
      });
      return [
        staleJobs.render({ stale: 1, jobs: [job] }, frame(text)),
        deadLetters.render({ queue: { ...QUEUE, redrive }, letters: [letter], problems: [text] }, frame(text)),
        callers.render([aCaller({ caller: text, route: text, last_request_at: text })], frame(text)),
        events.render([one], frame(text)),
        preview.render({ refusal: text }, frame(text)),
        preview.render(
          { recovery: { job_id: text, action: text, lease_before: 1, lease_after: 2, recoveries: 1 } },
          frame(text),
        ),
      ].map(({ html }) => html);
    };
    const harmless = render('x').map(elements);
    fc.assert(
      fc.property(hostile, (text) => {
        // Nothing at all is shown as a dash, in an element of its own.
        const value = /[\x21-\x7e]/.test(text.slice(0, 300)) ? text : 'x';
        expect(render(value).map(elements)).toEqual(harmless);
        for (const page of render(value)) {
          // A quote in a value is escaped, so that what stands between two is one value.
          const tags = page.replace(/"[^"]*"/g, '""').match(/<[^>]*>/g) ?? [];
          expect(tags.filter((tag) => / on[a-z]+=/i.test(tag))).toEqual([]);
          for (const [, address] of page.matchAll(/href="([^"]*)"/g)) expect(address).toMatch(/^https?:/);
        }
      }),
    );
  });
});
