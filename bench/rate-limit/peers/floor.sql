-- check_rate_limit() without the work: the same arguments, the same answer, the same settings.
create function public.decide_nothing(
  caller text, route text, max_requests integer default 100, window_ms integer default 60000,
  out allowed boolean, out "limit" integer, out remaining integer, out retry_after_ms integer, out reset_ms integer
)
language plpgsql volatile security invoker set search_path = '' set statement_timeout = '1900ms' as $$
begin
  allowed := true;
  "limit" := max_requests;
  remaining := max_requests;
  retry_after_ms := 0;
  reset_ms := window_ms;
end $$;
grant execute on function public.decide_nothing(text, text, integer, integer) to service_role;
notify pgrst, 'reload schema';
