-- Undoes 004_rate_limit_requests.sql.
drop function if exists public.cleanup_rate_limit_records(integer) cascade;
drop table if exists public.rate_limit_requests cascade;
notify pgrst, 'reload schema';
