-- What GET /api/queue/{customerId} answers from: one customer's jobs, in one call whose cost has a bound.
-- A plain index build keeps writers out while it lasts. On a table of many millions, run the `create index` statement
-- alone first, with `concurrently` after `index`: then this file finds it done.

-- Status before time: each count stops at its bound, and a page is merged from the newest of each status. The cast makes
-- it serve both shapes of the column (uuid or text), and an id of any length can be stored; a job without a time of its own counts as the oldest.
create index if not exists jobs_customer_idx
  on public.jobs ((left(customer_id::text, 128)), status, (coalesce(created_at, '-infinity')) desc, id desc);
-- A place in the line of the jobs that wait is read from jobs_waiting_line_idx, which 012 made.
-- Without statistics of these expressions, the planner would guess.
analyze public.jobs;

-- Up to page_size (1 to 100) jobs of a customer, newest first; before_created_at and before_id, both or neither, are the
-- "next" of the page before. Jobs in a status that is none of Queuekeeper's are left out. Answers one JSON object, times
-- in UTC:
-- found: whether the customer has any job; a page past the last one has none, and is found all the same.
-- counts: jobs of the customer by status, each counted up to 10,000.
-- jobs: position: its place among all the jobs that wait, by the time since when they do; 1 is next. Null when it does
--   not wait, or stands behind the first 10,000. A standard SQS queue keeps no strict order: it is an estimate.
--   attempts: how often a worker began it. Counted from the claims on record and, for workers that do not claim, from
--   the errors and recoveries that its row still knows.
--   progress: metadata.progress where that is a number from 0 to 100. events: the newest 5.
create or replace function public.customer_queue(
  customer_id text, page_size integer default 20, before_created_at timestamptz default null,
  before_id uuid default null
)
returns jsonb
language plpgsql stable security invoker set search_path = '' set statement_timeout = '1900ms' set timezone = 'UTC'
-- jit: the compiler would take longer than the answer. The two scans: they gather all rows before the first, and a limit
-- bounds nothing then; for a customer of average size the planner would take them.
set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  -- A uuid is the same in capitals.
  customer constant text := case pg_typeof((null::public.jobs).customer_id)
    when 'uuid'::regtype then lower(customer_queue.customer_id)
    else customer_queue.customer_id
  end;
begin
  if customer_queue.customer_id is null or coalesce(page_size, 0) not between 1 and 100
    or (before_created_at is null) <> (before_id is null) then
    raise exception 'customer_id is %, page_size is %, before_created_at is %, before_id is %, wanted a customer, a size '
      'from 1 to 100, and the last two both or neither',
      coalesce(customer_queue.customer_id, 'null'), coalesce(page_size::text, 'null'),
      coalesce(before_created_at::text, 'null'), coalesce(before_id::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  return (
    with
      -- Older tables know a finished job by the one word or the other.
      statuses (word, status) as (
        values
          ('pending', 'pending'), ('in_progress', 'in_progress'), ('failed', 'failed'),
          ('completed', 'completed'), ('complete', 'completed')
      ),
      counted as (
        select s.status, least(sum(c.jobs), 10000) as jobs
        from statuses s
        cross join lateral (
          select count(*) as jobs
          from (
            select from public.jobs j
            where left(j.customer_id::text, 128) = customer
              and j.customer_id::text = customer and j.status = s.word
            -- The order is that of the index; without it, another one might be taken.
            order by coalesce(j.created_at, '-infinity') desc, j.id desc
            limit 10000
          ) own
        ) c
        group by s.status
      ),
      newest as materialized (
        select s.status, j.*
        from statuses s
        cross join lateral (
          select
            -- The casts are for an older table, whose times may have no zone and whose metadata may be json.
            j.id, coalesce(j.created_at, '-infinity')::timestamptz as listed_at, j.created_at::timestamptz as created_at,
            j.updated_at::timestamptz as updated_at, j.started_at::timestamptz as started_at,
            j.completed_at::timestamptz as completed_at, j.priority_level, j.package_size, j.errors, j.recoveries,
            j.error_message, to_jsonb(j.metadata) as metadata
          from public.jobs j
          where left(j.customer_id::text, 128) = customer
            and j.customer_id::text = customer and j.status = s.word
            and (coalesce(j.created_at, '-infinity'), j.id) < (
              coalesce(before_created_at, 'infinity'), coalesce(before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            )
          order by coalesce(j.created_at, '-infinity') desc, j.id desc
          limit page_size + 1
        ) j
        order by j.listed_at desc, j.id desc
        limit page_size + 1 -- the one more tells whether there is a next page
      ),
      page as materialized (
        select n.*, row_number() over (order by n.listed_at desc, n.id desc) as place
        from newest n
        order by n.listed_at desc, n.id desc
        limit page_size
      ),
      -- Once for the whole page, no further than its last in the line.
      line as materialized (
        select w.id, row_number() over (order by w.since, w.id) as position
        from (
          select j.id, greatest(j.updated_at, j.created_at) as since
          from public.jobs j
          where j.status = 'pending'
            and greatest(j.updated_at, j.created_at)
              <= (select max(greatest(p.updated_at, p.created_at)) from page p where p.status = 'pending')
          order by greatest(j.updated_at, j.created_at), j.id
          limit 10000
        ) w
      ),
      told as (
        select
          p.place,
          jsonb_build_object(
            'id', p.id,
            'status', p.status,
            'progress', case
              when jsonb_typeof(p.metadata -> 'progress') = 'number'
                and (p.metadata ->> 'progress')::numeric between 0 and 100
              then round((p.metadata ->> 'progress')::numeric, 1)
            end,
            'position', l.position,
            'attempts', greatest(
              history.claims,
              -- An error or a recovery ended each attempt but the last, and also that when the job waits.
              p.errors + p.recoveries + (
                p.status in ('in_progress', 'completed')
                or (p.status = 'failed' and p.errors = 0 and p.started_at is not null)
              )::integer
            ),
            'priority', p.priority_level,
            'package_size', p.package_size,
            'created_at', p.created_at,
            'started_at', p.started_at,
            'updated_at', p.updated_at,
            'completed_at', p.completed_at,
            -- One more than the 2,000 that are looked through for secrets, so that the cut is seen.
            'error', case when p.status = 'failed' then left(p.error_message, 2001) end,
            'events', history.events
          ) as job
        from page p
        left join line l on l.id = p.id and p.status = 'pending'
        cross join lateral (
          select
            count(*) filter (where e.event = 'claimed') as claims,
            coalesce(
              jsonb_agg(jsonb_build_object('event', e.event, 'at', e.created_at::timestamptz) order by e.newest)
                filter (where e.newest <= 5 and e.event is not null), '[]'
            ) as events
          from (
            select h.event, h.created_at, row_number() over (order by h.job_id desc, h.created_at desc) as newest
            from public.queue_history h
            cross join lateral (
              -- The id in the column's own type, uuid or text, for else the index would not serve.
              select (jsonb_populate_record(null::public.queue_history, jsonb_build_object('job_id', p.id))).job_id
            ) own
            -- Bounds, an order that begins with the id, and a test of the time that no index serves: so that only the
            -- index of jobs and times can be used. One of times alone would look as good while the table is empty or
            -- one job has all of it, and be read to its end ever after.
            where h.job_id >= own.job_id and h.job_id <= own.job_id
              and (h.created_at is null) is false
            order by h.job_id desc, h.created_at desc
            limit 50
          ) e
        ) history
      )
    select jsonb_build_object(
      'found', (select sum(c.jobs) from counted c) > 0,
      'counts', (select jsonb_object_agg(c.status, c.jobs) from counted c),
      'jobs', coalesce((select jsonb_agg(t.job order by t.place) from told t), '[]'),
      'next', (
        select jsonb_build_object('created_at', p.listed_at, 'id', p.id)
        from page p
        where p.place = page_size and (select count(*) from newest) > page_size
      )
    )
  );
end $$;
revoke execute on function public.customer_queue(text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function public.customer_queue(text, integer, timestamptz, uuid) to service_role;

notify pgrst, 'reload schema';
