-- Dead letters, kept with their bodies, so that a message that SQS deletes unread is not lost.

create table if not exists public.dead_letters (
  queue_name text not null,
  message_id text not null,
  job_id uuid, -- null where the body names no job
  customer_id text,
  job_type text,
  lease bigint, -- that of the message; null where it has none
  source_queue text,
  reason text not null,
  body text not null,
  receive_count integer not null,
  sent_at timestamptz not null,
  expires_at timestamptz not null, -- sent_at and the retention of the dead-letter queue
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  cleared_at timestamptz,
  cleared_how text,
  primary key (queue_name, message_id),
  constraint dead_letters_cleared_how_is_known check (cleared_how in ('redriven', 'deleted', 'expired', 'unknown')),
  constraint dead_letters_cleared_has_how check ((cleared_at is null) = (cleared_how is null))
);
create index if not exists dead_letters_open_idx on public.dead_letters (queue_name, expires_at)
  where cleared_at is null;
create index if not exists dead_letters_cleared_idx on public.dead_letters (queue_name, cleared_at)
  where cleared_at is not null;
create index if not exists dead_letters_job_idx on public.dead_letters (job_id);

alter table public.dead_letters enable row level security;
drop policy if exists deny_api_roles on public.dead_letters;
create policy deny_api_roles on public.dead_letters for all to anon, authenticated using (false) with check (false);
revoke all on public.dead_letters from public, anon, authenticated;
grant select, insert, update, delete on public.dead_letters to service_role;

-- The job's side of one dead letter: its event, and "failed" while the message is the one that the job waits for, or
-- was claimed by, and no worker shows life for it. message_lease counts as 0 where an older producer sent none.
-- Answers whether the job was failed.
create or replace function public.fail_dead_lettered_job(
  job_id uuid, message_lease bigint, message_id text, reason text, receive_count integer
)
returns boolean
language plpgsql volatile security invoker set search_path = '' as $$
#variable_conflict use_column
declare
  job public.jobs;
  sent_lease constant bigint := coalesce(message_lease, 0);
  alive_after timestamptz;
  fails boolean;
begin
  select * into job from public.jobs j where j.id = fail_dead_lettered_job.job_id for update;
  if not found then
    return false;
  end if;
  -- Half the threshold of its type (a worker beats three times in one), and no less than half of the usual 10 minutes.
  select now() - greatest(interval '5 minutes', p.stale_after / 2) into alive_after
  from public.effective_job_policies p
  where p.job_type in (job.job_type, 'default')
  order by p.job_type = 'default'
  limit 1;
  fails := (job.status = 'pending' and job.lease = sent_lease)
    or (
      job.status = 'in_progress' and job.lease in (sent_lease, sent_lease + 1)
      -- A long job's message can die while its worker lives. The claim itself is no sign of that.
      and not coalesce(
        job.updated_at > alive_after
          and (job.started_at is null or job.updated_at > job.started_at + interval '1 second'), false
      )
      and not exists (
        select from public.job_heartbeats h
        where h.job_id = job.id and h.lease = job.lease and h.last_heartbeat > alive_after
      )
      and not exists (
        select from public.worker_heartbeats w
        where w.current_job_id::text = job.id::text and w.last_heartbeat > alive_after
          and (job.started_at is null or w.last_heartbeat > job.started_at + interval '1 second')
      )
    );
  if fails then
    update public.jobs j
    set status = 'failed', error_message = format('Dead letter after %s receives: %s', receive_count, reason),
        dead_lettered_at = clock_timestamp(), updated_at = clock_timestamp(), held_at = null
    where j.id = job.id;
    delete from public.job_dispatches d where d.job_id = job.id and d.sent_at is null;
    delete from public.job_heartbeats h where h.job_id = job.id;
  end if;
  insert into public.queue_history (job_id, event, details, worker_id)
  values (
    job.id, 'dlq',
    jsonb_build_object(
      'message_id', message_id, 'reason', reason, 'receive_count', receive_count, 'message_lease', message_lease,
      'lease', job.lease, 'status_before', job.status, 'job_failed', fails
    ),
    job.worker_id
  );
  return fails;
end $$;
revoke execute on function public.fail_dead_lettered_job(uuid, bigint, text, text, integer)
  from public, anon, authenticated;
grant execute on function public.fail_dead_lettered_job(uuid, bigint, text, text, integer) to service_role;

-- Records dead letters; one that is known already is only marked as seen again.
-- letters: [{"message_id", "body", "receive_count", "sent_at", "expires_at"} and, where the message has them,
-- "job_id", "customer_id", "lease", "source_queue", "reason"]. Answers a row for each; job_error says why the job's side
-- could not be done (a check or a trigger of an older table, say): the letter is kept all the same.
create or replace function public.record_dead_letters(queue_name text, letters jsonb)
returns table (
  message_id text, job_id uuid, customer_id text, job_type text, reason text, receive_count integer,
  sent_at timestamptz, expires_at timestamptz, first_seen_at timestamptz, is_new boolean, job_failed boolean,
  job_error text
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
declare
  letter record;
  job public.jobs;
  kept public.dead_letters;
begin
  for letter in
    select * from jsonb_to_recordset(letters) as l (
      message_id text, job_id uuid, customer_id text, lease bigint, source_queue text, reason text, body text,
      receive_count integer, sent_at timestamptz, expires_at timestamptz
    )
    order by l.message_id -- two runs at once must not wait for each other crosswise
  loop
    select * into job from public.jobs j where j.id = letter.job_id;
    is_new := false;
    job_failed := false;
    job_error := null;
    insert into public.dead_letters as d (
      queue_name, message_id, job_id, customer_id, job_type, lease, source_queue, reason, body, receive_count,
      sent_at, expires_at
    )
    values (
      record_dead_letters.queue_name, letter.message_id, letter.job_id,
      coalesce(letter.customer_id, job.customer_id::text), job.job_type, letter.lease, letter.source_queue,
      coalesce(
        letter.reason, job.error_message, 'No error on record'
      ),
      letter.body, letter.receive_count, letter.sent_at, letter.expires_at
    )
    on conflict (queue_name, message_id) do nothing
    returning * into kept;
    if found then
      is_new := true;
      begin
        job_failed := public.fail_dead_lettered_job(
          letter.job_id, letter.lease, letter.message_id, kept.reason, letter.receive_count
        );
      exception when others then
        if left(sqlstate, 2) in ('40', '53', '55', '57') then
          raise; -- it will pass (a deadlock, a lock, a shutdown): the caller tries again
        end if;
        job_error := sqlerrm;
      end;
    else
      -- It was taken for gone, perhaps, when it was only out of sight. Its receives are ours by now, not attempts.
      update public.dead_letters d
      set last_seen_at = clock_timestamp(), expires_at = letter.expires_at, cleared_at = null, cleared_how = null
      where d.queue_name = record_dead_letters.queue_name and d.message_id = letter.message_id
      returning * into kept;
    end if;
    message_id := kept.message_id;
    job_id := kept.job_id;
    customer_id := kept.customer_id;
    job_type := kept.job_type;
    reason := kept.reason;
    receive_count := kept.receive_count;
    sent_at := kept.sent_at;
    expires_at := kept.expires_at;
    first_seen_at := kept.first_seen_at;
    return next;
  end loop;
end $$;
revoke execute on function public.record_dead_letters(text, jsonb) from public, anon, authenticated;
grant execute on function public.record_dead_letters(text, jsonb) to service_role;

-- Up to row_limit dead letters that are still in the queue, as far as is known, the first to expire first.
create or replace function public.open_dead_letters(queue_name text, row_limit integer default 200)
returns table (
  message_id text, job_id uuid, customer_id text, job_type text, reason text, receive_count integer,
  sent_at timestamptz, expires_at timestamptz, first_seen_at timestamptz
)
language sql stable security invoker set search_path = '' set statement_timeout = '5s' as $$
  select
    d.message_id, d.job_id, d.customer_id, d.job_type, d.reason, d.receive_count,
    d.sent_at, d.expires_at, d.first_seen_at
  from public.dead_letters d
  where d.queue_name = open_dead_letters.queue_name and d.cleared_at is null
  order by d.expires_at, d.message_id
  limit row_limit
$$;
revoke execute on function public.open_dead_letters(text, integer) from public, anon, authenticated;
grant execute on function public.open_dead_letters(text, integer) to service_role;

-- Open dead letters that are not in still_there have left the queue: expired where their time is over, else redriven or
-- deleted where redriven_count (messages moved out since the given time; null: not known) settles it, else unknown:
-- SQS says how many were redriven, never which.
-- Answers what left since then: {"redriven": n, "deleted": n, "unknown": n, "expired": [{…}]}, the lost ones by name. One
-- value and not rows, for the REST interface cuts rows at 1,000.
create or replace function public.clear_dead_letters(
  queue_name text, still_there text[], redriven_count integer, since timestamptz
)
returns jsonb
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '9s' as $$
#variable_conflict use_column
declare
  gone text[];
  redriven_before integer;
  unknown_before integer;
  how text;
begin
  update public.dead_letters d
  set cleared_at = clock_timestamp(), cleared_how = 'expired'
  where d.queue_name = clear_dead_letters.queue_name and d.cleared_at is null
    and d.message_id <> all (still_there) and d.expires_at <= clock_timestamp();

  gone := array(
    select d.message_id from public.dead_letters d
    where d.queue_name = clear_dead_letters.queue_name and d.cleared_at is null and d.message_id <> all (still_there)
  );
  select
    count(*) filter (where d.cleared_how = 'redriven'), count(*) filter (where d.cleared_how = 'unknown')
  into redriven_before, unknown_before
  from public.dead_letters d
  where d.queue_name = clear_dead_letters.queue_name and d.cleared_at >= since;

  how := case
    when redriven_count is null or unknown_before > 0 then 'unknown'
    when redriven_count - redriven_before >= cardinality(gone) then 'redriven'
    when redriven_count - redriven_before <= 0 then 'deleted'
    else 'unknown'
  end;
  update public.dead_letters d
  set cleared_at = clock_timestamp(), cleared_how = how
  where d.queue_name = clear_dead_letters.queue_name and d.message_id = any (gone);

  return (
    select jsonb_build_object(
      'redriven', count(*) filter (where d.cleared_how = 'redriven'),
      'deleted', count(*) filter (where d.cleared_how = 'deleted'),
      'unknown', count(*) filter (where d.cleared_how = 'unknown'),
      'expired', coalesce(
        jsonb_agg(to_jsonb(d) - 'body' order by d.expires_at, d.message_id) filter (where d.cleared_how = 'expired'), '[]'
      )
    )
    from public.dead_letters d
    where d.queue_name = clear_dead_letters.queue_name and d.cleared_at >= since
  );
end $$;
revoke execute on function public.clear_dead_letters(text, text[], integer, timestamptz)
  from public, anon, authenticated;
grant execute on function public.clear_dead_letters(text, text[], integer, timestamptz) to service_role;

notify pgrst, 'reload schema';
