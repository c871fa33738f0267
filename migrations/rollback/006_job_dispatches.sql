-- Undoes 006_job_dispatches.sql. A dispatch that is still unsent is a job that nobody would hear of again.
do $$
begin
  if to_regclass('public.job_dispatches') is not null
    and coalesce(current_setting('queuekeeper.drop_data', true), '') <> 'on' then
    if exists (select from public.job_dispatches where sent_at is null) then
      raise exception 'job_dispatches holds unsent messages: let the stale-job monitor send them, or add --drop-data (in SQL: set queuekeeper.drop_data to on)';
    end if;
  end if;
end $$;
drop function if exists public.mark_dispatches(jsonb, jsonb) cascade;
drop function if exists public.take_dispatches(integer, integer, integer) cascade;
drop function if exists public.queue_dispatch(uuid, bigint, text, interval) cascade;
drop table if exists public.job_dispatches cascade;
notify pgrst, 'reload schema';
