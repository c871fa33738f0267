-- Undoes 013_customer_queue.sql.
drop function if exists public.customer_queue(text, integer, timestamptz, uuid) cascade;
drop index if exists public.jobs_customer_idx;
notify pgrst, 'reload schema';
