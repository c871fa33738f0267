-- One row for each caller with the times of its admitted requests, under the lock of that row.
create {{table_kind}} table {{schema}}.log (
  caller text not null,
  route text not null,
  admitted timestamptz[] not null,
  primary key (caller, route)
) with (fillfactor = 50);

create function {{schema}}.decide(
  caller text, route text, max_requests integer, window_ms integer,
  out allowed boolean, out remaining integer, out reset_ms integer
)
-- A plan that was made while the table was empty would read all of it for ever after.
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_sort = off as $$
#variable_conflict use_column
declare
  span constant interval := make_interval(secs => window_ms / 1000.0);
  is_locked boolean;
  instant timestamptz;
  live timestamptz[];
  used bigint;
begin
  {{before}}
  is_locked := {{first_lock}};
  loop
    if is_locked then
      select l.admitted into live from {{schema}}.log l
      where l.caller = decide.caller and l.route = decide.route for update;
      if not found then
        insert into {{schema}}.log (caller, route, admitted) values (decide.caller, decide.route, '{}')
        on conflict do nothing;
        select l.admitted into live from {{schema}}.log l
        where l.caller = decide.caller and l.route = decide.route for update;
      end if;
    else
      select l.admitted into live from {{schema}}.log l
      where l.caller = decide.caller and l.route = decide.route;
    end if;
    instant := clock_timestamp();
    live := coalesce(live[width_bucket(instant - span, live) + 1 :], '{}');
    used := cardinality(live);
    exit when is_locked or used >= max_requests;
    is_locked := true;
  end loop;
  allowed := used < max_requests;
  if allowed then
    live := live || instant;
    update {{schema}}.log l set admitted = live where l.caller = decide.caller and l.route = decide.route;
  end if;
  remaining := greatest(max_requests - used - 1, 0);
  reset_ms := ceil(extract(epoch from coalesce(live[1], instant) + span - instant) * 1000);
end $$;
