-- Undoes 003_queue_history.sql. A table that was there before Queuekeeper stays, with all its rows.
do $$
begin
  if to_regclass('public.queue_history') is null then
    return;
  elsif obj_description('public.queue_history'::regclass) is distinct from
    'Created by Queuekeeper: append-only history of the jobs.' then
    drop index if exists public.queue_history_job_idx, public.queue_history_refused_idx;
    drop policy if exists deny_api_roles on public.queue_history;
  elsif coalesce(current_setting('queuekeeper.drop_data', true), '') <> 'on'
    and exists (select from public.queue_history) then
    raise exception 'queue_history holds rows: save them, then add --drop-data (in SQL: set queuekeeper.drop_data to on)';
  else
    drop table public.queue_history cascade;
  end if;
end $$;
drop function if exists public.refuse_history_change() cascade;
notify pgrst, 'reload schema';
