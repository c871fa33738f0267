-- Undoes 001_jobs.sql. A table that was there before Queuekeeper stays, with all its rows; the columns that we added go.
do $$
declare
  added name;
begin
  if to_regclass('public.jobs') is null then
    return;
  elsif obj_description('public.jobs'::regclass) is distinct from 'Created by Queuekeeper: one row per job.' then
    drop index if exists public.jobs_in_progress_last_change_idx;
    drop policy if exists deny_api_roles on public.jobs;
    for added in
      select attname from pg_attribute
      where attrelid = 'public.jobs'::regclass and attnum > 0 and not attisdropped
        and col_description(attrelid, attnum) like 'Added by Queuekeeper:%'
    loop
      execute format('alter table public.jobs drop column %I', added);
    end loop;
  elsif coalesce(current_setting('queuekeeper.drop_data', true), '') <> 'on' and exists (select from public.jobs) then
    raise exception 'jobs holds rows: save them, then add --drop-data (in SQL: set queuekeeper.drop_data to on)';
  else
    drop table public.jobs cascade;
  end if;
end $$;
drop function if exists public.completed_status() cascade;
notify pgrst, 'reload schema';
