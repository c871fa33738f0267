-- Undoes 010_dead_letters.sql. The table may hold the only copy of a message that SQS has deleted.
do $$
begin
  if to_regclass('public.dead_letters') is not null
    and coalesce(current_setting('queuekeeper.drop_data', true), '') <> 'on' then
    if exists (select from public.dead_letters) then
      raise exception 'dead_letters holds rows: save them, then add --drop-data (in SQL: set queuekeeper.drop_data to on)';
    end if;
  end if;
end $$;
drop function if exists public.clear_dead_letters(text, text[], integer, timestamptz) cascade;
drop function if exists public.open_dead_letters(text, integer) cascade;
drop function if exists public.record_dead_letters(text, jsonb) cascade;
drop function if exists public.fail_dead_lettered_job(uuid, bigint, text, text, integer) cascade;
drop table if exists public.dead_letters cascade;
notify pgrst, 'reload schema';
