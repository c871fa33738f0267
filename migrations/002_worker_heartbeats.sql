-- Signs of life: worker_heartbeats one row per worker (existing workers write it themselves),
-- job_heartbeats one narrow row per job in progress, written by heartbeat_job() and fenced by the lease.

do $$
begin
  if to_regclass('public.worker_heartbeats') is null then
    create table public.worker_heartbeats (
      worker_id text primary key,
      queue_name text not null default 'default',
      status text not null default 'active',
      current_job_id uuid,
      last_heartbeat timestamptz not null default now(),
      metadata jsonb not null default '{}'
    ) with (fillfactor = 70);
    comment on table public.worker_heartbeats is 'Created by Queuekeeper: the last sign of life of each worker.';
  end if;
end $$;

-- The cast makes one index serve both shapes of the column (uuid or text). Never index last_heartbeat itself:
-- that ends HOT updates (multica-ai/multica#7389: 379.6 M updates, 0.76 % HOT).
create index if not exists worker_heartbeats_current_job_idx on public.worker_heartbeats ((current_job_id::text));
create index if not exists worker_heartbeats_worker_id_idx on public.worker_heartbeats (worker_id);

create table if not exists public.job_heartbeats (
  job_id uuid primary key,
  lease bigint not null,
  last_heartbeat timestamptz -- null until the first beat: a claim alone is no heartbeat
) with (fillfactor = 70);

alter table public.worker_heartbeats enable row level security;
drop policy if exists deny_api_roles on public.worker_heartbeats;
create policy deny_api_roles on public.worker_heartbeats for all to anon, authenticated
  using (false) with check (false);
revoke all on public.worker_heartbeats from public, anon, authenticated;
grant select, insert, update, delete on public.worker_heartbeats to service_role;

alter table public.job_heartbeats enable row level security;
drop policy if exists deny_api_roles on public.job_heartbeats;
create policy deny_api_roles on public.job_heartbeats for all to anon, authenticated using (false) with check (false);
revoke all on public.job_heartbeats from public, anon, authenticated;
grant select, insert, update, delete on public.job_heartbeats to service_role;

notify pgrst, 'reload schema';
