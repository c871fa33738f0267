-- A row for each admitted request, counted one by one, under an advisory lock of the caller.
create {{table_kind}} table {{schema}}.log (
  caller text not null,
  route text not null,
  requested_at timestamptz not null
);
create index on {{schema}}.log (caller, route, requested_at desc);

create function {{schema}}.decide(
  caller text, route text, max_requests integer, window_ms integer,
  out allowed boolean, out remaining integer, out reset_ms integer
)
-- A plan that was made while the table was empty would read all of it for ever after.
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_sort = off as $$
#variable_conflict use_column
declare
  span constant interval := make_interval(secs => window_ms / 1000.0);
  key constant bigint := hashtextextended(route, hashtextextended(caller, 0));
  is_locked boolean;
  instant timestamptz;
  oldest timestamptz; -- in the window
  used bigint;
begin
  {{before}}
  is_locked := {{first_lock}};
  loop
    instant := clock_timestamp();
    select count(*), min(l.requested_at) into used, oldest from {{schema}}.log l
    where l.caller = decide.caller and l.route = decide.route and l.requested_at > instant - span;
    exit when is_locked or used >= max_requests;
    perform pg_advisory_xact_lock(key);
    is_locked := true;
  end loop;
  allowed := used < max_requests;
  if allowed then
    insert into {{schema}}.log (caller, route, requested_at) values (decide.caller, decide.route, instant);
  end if;
  remaining := greatest(max_requests - used - 1, 0);
  reset_ms := ceil(extract(epoch from coalesce(oldest, instant) + span - instant) * 1000);
end $$;
