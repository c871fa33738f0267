-- What happened to each job, append-only: one event per transition, written in the transition's own transaction.

do $$
begin
  if to_regclass('public.queue_history') is null then
    create table public.queue_history (
      id bigint generated always as identity primary key,
      job_id uuid not null, -- no foreign key: the history outlives the job
      event text not null,
      details jsonb not null default '{}',
      worker_id text,
      created_at timestamptz not null default now()
    );
    comment on table public.queue_history is 'Created by Queuekeeper: append-only history of the jobs.';
  end if;
end $$;

create index if not exists queue_history_job_idx on public.queue_history (job_id, created_at);
-- The share of wrong recoveries is read from these rows; there are few of them.
create index if not exists queue_history_refused_idx
  on public.queue_history (created_at) where event = 'completion_refused';

create or replace function public.refuse_history_change() returns trigger
  language plpgsql security invoker set search_path = '' as $$
begin
  raise exception 'queue_history is append-only: % refused', tg_op using errcode = 'restrict_violation';
end $$;
revoke execute on function public.refuse_history_change() from public, anon, authenticated;

-- An older table brings its own guard; ours goes only on the table that we made.
do $$
begin
  if obj_description('public.queue_history'::regclass) = 'Created by Queuekeeper: append-only history of the jobs.' then
    create or replace trigger queue_history_is_append_only
      before update or delete or truncate on public.queue_history
      for each statement execute function public.refuse_history_change();
  end if;
end $$;

alter table public.queue_history enable row level security;
drop policy if exists deny_api_roles on public.queue_history;
create policy deny_api_roles on public.queue_history for all to anon, authenticated using (false) with check (false);
-- Old default privileges would let service_role change it.
revoke all on public.queue_history from public, anon, authenticated, service_role;
grant select, insert on public.queue_history to service_role;

-- A bigserial key of an older table needs a grant of its own; an identity column does not. Old default privileges
-- open either to everybody.
do $$
declare
  sequence regclass;
begin
  for sequence in
    select d.objid::regclass
    from pg_depend d
    join pg_class c on c.oid = d.objid and c.relkind = 'S'
    where d.refobjid in ('public.jobs'::regclass, 'public.worker_heartbeats'::regclass, 'public.queue_history'::regclass)
      and d.deptype in ('a', 'i')
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated', sequence);
    execute format('grant usage, select on sequence %s to service_role', sequence);
  end loop;
end $$;

notify pgrst, 'reload schema';
