-- What many write first, and what the docs of Supabase show: count the requests in the window, then add one. Nothing
-- keeps two at the same time from seeing the same count.
create schema count_then_insert;
create table count_then_insert.requests (caller text not null, route text not null, requested_at timestamptz not null);
create index on count_then_insert.requests (caller, route, requested_at desc);

create function count_then_insert.decide(
  caller text, route text, max_requests integer, window_ms integer, out allowed boolean
)
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
begin
  select count(*) < max_requests into allowed from count_then_insert.requests r
  where r.caller = decide.caller and r.route = decide.route
    and r.requested_at > now() - make_interval(secs => window_ms / 1000.0);
  if allowed then
    insert into count_then_insert.requests (caller, route, requested_at) values (decide.caller, decide.route, now());
  end if;
end $$;
